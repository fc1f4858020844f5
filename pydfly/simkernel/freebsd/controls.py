"""What FreeBSD's procctl sets on one process besides reapers, and how fork and exec pass it on.

Sources: sys/kern/kern_procctl.c (the commands), sys/kern/kern_fork.c (do_fork(): what ``p_flag2`` hands down),
sys/kern/kern_exec.c and sys/kern/imgact_elf.c (what an exec takes away), sys/amd64/amd64/vm_machdep.c
(cpu_procctl()).  ``Proc.controls`` holds what differs from the initial state, by these names:

``protected``, ``inherit_protected``; ``notrace``, ``notrace_exec``; ``trapcap``; ``aslr``, ``protmax``,
``logsigexit``, ``linear_address`` (the value that was set, absent: the default); ``stackgap_off``,
``stackgap_off_exec``; ``no_new_privs``; ``wx_permit``, ``wx_disallow_exec``; ``no_kpti``; and of the present image
``image_aslr``, ``image_wxorx``, ``image_kpti``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...constants import freebsd as numbers
from ...errors import refusal
from ..proc import Proc

Control = Callable[[Proc, Proc, int], None]
Status = Callable[[Proc], int]

SYSCTLS: Mapping[str, int] = {
    "kern.elf64.aslr.enable": 1,
    "kern.elf64.allow_wx": 1,
    "vm.imply_prot_max": 0,
    "vm.pmap.pti": 1,
    "vm.pmap.la57": 0,
}
"""The system's policy, and its hardware (the last two), at boot."""
_NOFORCE = 3
_PROTECT_FLAGS = int(numbers.PPROT_DESCEND | numbers.PPROT_INHERIT)


def set_control(process: Proc, **changes: int) -> None:
    """Change controls of one process; 0 is the initial state."""
    process.controls = {name: value for name, value in {**process.controls, **changes}.items() if value}


def inherited(controls: Mapping[str, int]) -> Mapping[str, int]:
    """do_fork(): everything but the protection from the lack of memory, which is a matter of PPROT_INHERIT."""
    if "protected" in controls and "inherit_protected" not in controls:
        return {name: value for name, value in controls.items() if name != "protected"}
    return controls


def after_exec(process: Proc, sets_ids: bool) -> None:
    """Take away what an exec takes away, and let take effect what waited for it."""
    new = dict(process.controls)
    if "notrace_exec" not in new:
        new.pop("notrace", None)
    if "stackgap_off_exec" not in new:
        new.pop("stackgap_off", None)
    if sets_ids:  # sys/kern/imgact_elf.c, exec_elf_imgact(): credential_setid
        for name in ("aslr", "wx_permit", "wx_disallow_exec"):
            new.pop(name, None)
    policy = process.kernel.flavour.sysctls
    aslr = new.get("aslr", _NOFORCE)
    new["image_aslr"] = int(policy["kern.elf64.aslr.enable"] and aslr != numbers.PROC_ASLR_FORCE_DISABLE) or int(
        aslr == numbers.PROC_ASLR_FORCE_ENABLE
    )
    forbids = not policy["kern.elf64.allow_wx"] and "wx_permit" not in new
    new["image_wxorx"] = int(forbids or "wx_disallow_exec" in new)
    new["image_kpti"] = int(policy["vm.pmap.pti"] and "no_kpti" not in new)
    process.controls = {name: value for name, value in new.items() if value}


def sprotect(caller: Proc, target: Proc, value: int) -> None:
    """protect_set(): processes of the system itself are passed over."""
    operation, flags = value & 0xF, value & ~0xF
    if operation not in (numbers.PPROT_SET, numbers.PPROT_CLEAR):
        raise refusal("procctl", "EINVAL", "the operation is PPROT_SET or PPROT_CLEAR")
    if flags & ~_PROTECT_FLAGS:
        raise refusal("procctl", "EINVAL", "the flags are PPROT_DESCEND and PPROT_INHERIT")
    if caller.euid != 0 or caller.jailed:  # PRIV_VM_MADV_PROTECT
        raise refusal("procctl", "EPERM", "only the superuser, outside a jail, may protect processes")
    targets = [target, *target.below()] if flags & numbers.PPROT_DESCEND else [target]
    targets = [process for process in targets if process.pid]
    if not targets:
        raise refusal("procctl", "EPERM", "there was no process that can be protected")
    for process in targets:
        if operation == numbers.PPROT_SET:
            inherit = 1 if flags & numbers.PPROT_INHERIT else process.controls.get("inherit_protected", 0)
            set_control(process, protected=1, inherit_protected=inherit)
        else:
            set_control(process, protected=0, inherit_protected=0)


def trace_ctl(caller: Proc, target: Proc, value: int) -> None:
    """trace_ctl(): EBUSY comes before everything else."""
    if target.real_parent is not None:
        raise refusal("procctl", "EBUSY", "the process is being traced")
    if value == numbers.PROC_TRACE_CTL_ENABLE:
        if caller is not target:
            raise refusal("procctl", "EPERM", "a process can allow tracing for itself only")
        set_control(target, notrace=0, notrace_exec=0)
    elif value == numbers.PROC_TRACE_CTL_DISABLE_EXEC:
        set_control(target, notrace=1, notrace_exec=1)
    elif value == numbers.PROC_TRACE_CTL_DISABLE:
        if "notrace_exec" in target.controls and caller is not target:
            raise refusal("procctl", "EPERM", "only the process itself can take back PROC_TRACE_CTL_DISABLE_EXEC")
        set_control(target, notrace=1, notrace_exec=0)
    else:
        raise _bad_value("PROC_TRACE_CTL")


def trace_status(target: Proc) -> int:
    """trace_status(): -1, the debugger's pid, or 0."""
    if "notrace" in target.controls:
        return -1
    if target.real_parent is not None and target.parent is not None:
        return target.parent.pid
    return 0


def trapcap_ctl(caller: Proc, target: Proc, value: int) -> None:
    """trapcap_ctl()."""
    if value not in (numbers.PROC_TRAPCAP_CTL_ENABLE, numbers.PROC_TRAPCAP_CTL_DISABLE):
        raise _bad_value("PROC_TRAPCAP_CTL")
    set_control(target, trapcap=int(value == numbers.PROC_TRAPCAP_CTL_ENABLE))


def _choice(name: str, command: str, default: int) -> Control:
    """Make the control of a value of 1 to 3, one of which is the default."""

    def control(caller: Proc, target: Proc, value: int) -> None:
        if not 1 <= value <= 3:
            raise _bad_value(command)
        set_control(target, **{name: 0 if value == default else value})

    return control


def _one_of(name: str, on: int, off: int) -> Status:
    """Make the status of what is either set or not."""
    return lambda target: int(on if name in target.controls else off)


aslr_ctl = _choice("aslr", "PROC_ASLR_CTL", _NOFORCE)
protmax_ctl = _choice("protmax", "PROC_PROTMAX_CTL", _NOFORCE)
logsigexit_ctl = _choice("logsigexit", "PROC_LOGSIGEXIT_CTL", 1)
trapcap_status = _one_of("trapcap", numbers.PROC_TRAPCAP_CTL_ENABLE, numbers.PROC_TRAPCAP_CTL_DISABLE)
no_new_privs_status = _one_of("no_new_privs", numbers.PROC_NO_NEW_PRIVS_ENABLE, numbers.PROC_NO_NEW_PRIVS_DISABLE)
_gap = _one_of("stackgap_off", numbers.PROC_STACKGAP_DISABLE, numbers.PROC_STACKGAP_ENABLE)
_gap_on_exec = _one_of("stackgap_off_exec", numbers.PROC_STACKGAP_DISABLE_EXEC, numbers.PROC_STACKGAP_ENABLE_EXEC)


def aslr_status(target: Proc) -> int:
    """aslr_status(): ACTIVE if the present image is randomised."""
    active = numbers.PROC_ASLR_ACTIVE if "image_aslr" in target.controls else 0
    return int(target.controls.get("aslr", _NOFORCE) | active)


def protmax_status(target: Proc) -> int:
    """protmax_status(): it takes effect at once."""
    value = target.controls.get("protmax", _NOFORCE)
    implied = value == _NOFORCE and target.kernel.flavour.sysctls["vm.imply_prot_max"]
    active = implied or value == numbers.PROC_PROTMAX_FORCE_ENABLE
    return int(value | (numbers.PROC_PROTMAX_ACTIVE if active else 0))


def logsigexit_status(target: Proc) -> int:
    """logsigexit_status()."""
    return target.controls.get("logsigexit", 1)


def stackgap_ctl(caller: Proc, target: Proc, value: int) -> None:
    """stackgap_ctl(): when the second pair is refused, the first has taken effect already."""
    if value & ~0xF:
        raise _bad_value("PROC_STACKGAP_CTL")
    now, later = value & 0x3, value & 0xC
    if now == 0x3 or (now == numbers.PROC_STACKGAP_ENABLE and "stackgap_off" in target.controls):
        raise refusal("procctl", "EINVAL", "not both of a pair; and only an exec turns the gap on again")
    if now == numbers.PROC_STACKGAP_DISABLE:
        set_control(target, stackgap_off=1)
    if later == 0xC:
        raise refusal("procctl", "EINVAL", "not both of a pair; the first pair has taken effect")
    if later:
        set_control(target, stackgap_off_exec=int(later == numbers.PROC_STACKGAP_DISABLE_EXEC))


def stackgap_status(target: Proc) -> int:
    """stackgap_status(): one of each pair."""
    return _gap(target) | _gap_on_exec(target)


def no_new_privs_ctl(caller: Proc, target: Proc, value: int) -> None:
    """no_new_privs_ctl(): for ever."""
    if value != numbers.PROC_NO_NEW_PRIVS_ENABLE:
        raise _bad_value("PROC_NO_NEW_PRIVS_CTL")
    set_control(target, no_new_privs=1)


def wxmap_ctl(caller: Proc, target: Proc, value: int) -> None:
    """wxmap_ctl(): to permit works at once, to disallow at the next exec; neither is ever taken back."""
    if value == numbers.PROC_WX_MAPPINGS_PERMIT:
        set_control(target, wx_permit=1, image_wxorx=0)
    elif value == numbers.PROC_WX_MAPPINGS_DISALLOW_EXEC:
        set_control(target, wx_disallow_exec=1)
    else:
        raise _bad_value("PROC_WXMAP_CTL")


def wxmap_status(target: Proc) -> int:
    """wxmap_status(): the bits that were set, and whether the present image is held to W^X."""
    bits = {
        "wx_permit": numbers.PROC_WX_MAPPINGS_PERMIT,
        "wx_disallow_exec": numbers.PROC_WX_MAPPINGS_DISALLOW_EXEC,
        "image_wxorx": numbers.PROC_WXORX_ENFORCE,
    }
    return sum(int(bit) for name, bit in bits.items() if name in target.controls)


def kpti_ctl(caller: Proc, target: Proc, value: int) -> None:
    """cpu_procctl_kpti(): isolation can be asked for only where the machine isolates at all."""
    if value == numbers.PROC_KPTI_CTL_DISABLE_ON_EXEC:
        set_control(target, no_kpti=1)
    elif target.kernel.flavour.sysctls["vm.pmap.pti"]:
        set_control(target, no_kpti=0)


def kpti_status(target: Proc) -> int:
    """cpu_procctl_kpti()."""
    wanted = target.kernel.flavour.sysctls["vm.pmap.pti"] and "no_kpti" not in target.controls
    value = numbers.PROC_KPTI_CTL_ENABLE_ON_EXEC if wanted else numbers.PROC_KPTI_CTL_DISABLE_ON_EXEC
    return int(value | (numbers.PROC_KPTI_STATUS_ACTIVE if "image_kpti" in target.controls else 0))


def la_ctl(caller: Proc, target: Proc, value: int) -> None:
    """cpu_procctl_la(): 57 bits need the hardware for them."""
    if value == numbers.PROC_LA_CTL_LA57_ON_EXEC and not target.kernel.flavour.sysctls["vm.pmap.la57"]:
        raise refusal("procctl", "EOPNOTSUPP", "this processor has no 57-bit addresses")
    set_control(target, linear_address=0 if value == numbers.PROC_LA_CTL_DEFAULT_ON_EXEC else value)


def la_status(target: Proc) -> int:
    """cpu_procctl_la(): this model's images have 48-bit addresses, whatever the hardware."""
    value = target.controls.get("linear_address", int(numbers.PROC_LA_CTL_DEFAULT_ON_EXEC))
    return value | int(numbers.PROC_LA_STATUS_LA48)


def _bad_value(command: str) -> Exception:
    return refusal("procctl", "EINVAL", f"{command} has no such value")
