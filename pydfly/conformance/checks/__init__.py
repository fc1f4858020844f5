"""The checks, by topic.  Each observes one behaviour; what is to be observed stands in its decorator."""
