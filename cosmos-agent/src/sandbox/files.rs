//! Landlock: the files that can be opened, the ports that can be connected to, the processes that can be reached.

use std::collections::BTreeSet;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, Scope, make_bitflags, path_beneath_rules,
};

use super::{Layer, Needs, SandboxError};

/// The newest version this was written for; of an older kernel, what it has is used.
const NEWEST: ABI = ABI::V6;

/// Shuts this thread, and threads it starts, off from everything but `needs`; returns the layers the kernel has.
pub(super) fn shut_off(needs: &Needs) -> Result<BTreeSet<Layer>, SandboxError> {
    let status = restrict(needs).map_err(SandboxError::Files)?;
    let LandlockStatus::Available { effective_abi, .. } = status else { return Ok(BTreeSet::new()) };
    let since = [(ABI::V1, Layer::Files), (ABI::V4, Layer::Ports), (ABI::V6, Layer::Signals)];
    Ok(since.into_iter().filter(|(abi, _)| effective_abi >= *abi).map(|(_, layer)| layer).collect())
}

fn restrict(needs: &Needs) -> Result<LandlockStatus, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir
    });
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(&needs.read, read))?
        .add_rules(scratch(needs).map(|folder| Ok::<_, RulesetError>(PathBeneath::new(folder, write))))?
        .add_rules(needs.ports.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp))))?;
    Ok(ruleset.restrict_self()?.landlock)
}

fn scratch(needs: &Needs) -> impl Iterator<Item = PathFd> {
    needs.scratch.iter().filter_map(|path| PathFd::new(path).ok())
}
