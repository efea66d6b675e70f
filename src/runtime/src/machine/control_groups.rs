//! Memory and processor time that Linux control groups leave to this process: version 1, version 2, or both.
//!
//! `/proc/self/cgroup` names the process's group in each hierarchy, `/proc/self/mountinfo` where the hierarchies are
//! mounted. A group's limit holds for all groups below it, so the lowest one between the process's own group and the
//! mount point counts.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::mounts::{self, Mount};

/// What the groups leave; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct GroupLimits {
    /// In bytes.
    pub(super) memory: Option<u64>,
    /// In processors: 1.5 is half of the time of three.
    pub(super) processors: Option<f64>,
}

/// Reads the limits below `root`, which is `/` but in tests.
pub(super) fn limits(root: &Path) -> GroupLimits {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (own, mounts) = (memberships(&read("proc/self/cgroup")), mounts::parse(&read("proc/self/mountinfo")));
    let mut limits = GroupLimits::default();
    for controller in [Controller::Unified, Controller::Memory, Controller::Processors] {
        for directory in directories(controller, &own, &mounts) {
            let group = Group(root.join(directory.strip_prefix("/").unwrap_or(&directory)));
            let (memory, processors) = match controller {
                Controller::Unified => (lower(group.number("memory.max"), group.number("memory.high")), group.quota()),
                Controller::Memory => (lower(group.number("memory.limit_in_bytes"), group.above()), None),
                Controller::Processors => (None, group.quota_1()),
            };
            limits.memory = lower(limits.memory, memory);
            limits.processors = match (limits.processors, processors) {
                (Some(a), Some(b)) => Some(f64::min(a, b)),
                (a, b) => a.or(b),
            };
        }
    }
    limits
}

fn lower(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}

/// A hierarchy that limits something.
#[derive(Clone, Copy, PartialEq)]
enum Controller {
    /// Version 2, which has all in one.
    Unified,
    /// Version 1.
    Memory,
    Processors,
}

impl Controller {
    /// As version 1 calls it; version 2 has no name.
    fn name(self) -> &'static str {
        match self {
            Self::Unified => "",
            Self::Memory => "memory",
            Self::Processors => "cpu",
        }
    }

    /// Where it is usually mounted, should the list of mounts not tell.
    fn usual_paths(self) -> &'static [&'static str] {
        match self {
            Self::Unified => &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
            Self::Memory => &["/sys/fs/cgroup/memory"],
            Self::Processors => &["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"],
        }
    }
}

/// The process's group in a hierarchy.
struct Membership {
    /// Names of the controllers, separated by commas; none for version 2.
    controllers: String,
    group: PathBuf,
}

fn memberships(text: &str) -> Vec<Membership> {
    let membership = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some(Membership { controllers: fields.next()?.to_owned(), group: fields.next()?.into() })
    };
    text.lines().filter_map(membership).collect()
}

/// The directories of the process's group and of all groups above it that can be seen.
fn directories(controller: Controller, own: &[Membership], mounts: &[Mount]) -> Vec<PathBuf> {
    let has = |controllers: &str| controllers.split(',').any(|name| name == controller.name());
    let own = own.iter().find(|membership| has(&membership.controllers));
    let group = own.map_or(Path::new("/"), |membership| &membership.group);
    let mounted = mounts.iter().filter(|mount| match mount.kind.as_str() {
        "cgroup2" => controller == Controller::Unified,
        "cgroup" => has(&mount.options),
        _ => false,
    });
    let mounted = mounted.map(|mount| (mount.point.as_path(), mount.top.as_path()));
    let usual = controller.usual_paths().iter().map(|path| (Path::new(*path), Path::new("/")));
    let mut directories = Vec::new();
    for (point, top) in mounted.chain(usual) {
        let below = below(group, top);
        directories.extend(below.ancestors().map(|group| point.join(group)));
    }
    directories
}

/// The path of a group below the one that is mounted; empty for a group that lies outside, as seen from another
/// namespace.
fn below(group: &Path, top: &Path) -> PathBuf {
    let below = group.strip_prefix(top).or_else(|_| group.strip_prefix("/")).unwrap_or(group);
    match below.components().all(|component| matches!(component, Component::Normal(_))) {
        true => below.to_owned(),
        false => PathBuf::new(),
    }
}

/// The directory of a group.
struct Group(PathBuf);

impl Group {
    fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.0.join(file)).ok()
    }

    /// A number, or `None` for `max`.
    fn number(&self, file: &str) -> Option<u64> {
        self.text(file)?.trim().parse().ok()
    }

    /// Version 1: the lowest limit of the group and all above it, those that cannot be seen included.
    fn above(&self) -> Option<u64> {
        let text = self.text("memory.stat")?;
        text.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit ")?.trim().parse().ok())
    }

    /// Version 2: microseconds in each period of so many microseconds.
    fn quota(&self) -> Option<f64> {
        let text = self.text("cpu.max")?;
        let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().ok());
        share(numbers.next()??, numbers.next().flatten().unwrap_or(100_000.0))
    }

    /// Version 1: the same; −1 is no limit.
    fn quota_1(&self) -> Option<f64> {
        let number = |file| self.text(file)?.trim().parse::<f64>().ok();
        share(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
    }
}

fn share(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits where these files are all there is.
    fn of(files: &[(&str, &str)]) -> GroupLimits {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limits(root.path())
    }

    fn memory(files: &[(&str, &str)]) -> Option<u64> {
        of(files).memory
    }

    const V2: &str = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn no_group_is_no_limit() {
        assert_eq!(of(&[]), GroupLimits::default());
        let unlimited = [("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")];
        assert_eq!(of(&unlimited), GroupLimits::default());
    }

    #[test]
    fn the_lowest_limit_of_nested_groups_counts() {
        let (cgroup, max) = (("proc/self/cgroup", "0::/a.slice/b.scope\n"), "memory.max");
        let path = |group: &str| format!("sys/fs/cgroup{group}/{max}");
        for (root, slice, scope, lowest) in
            [("max", "max", "512", 512), ("max", "100", "512", 100), ("7", "100", "max", 7), ("max", "9", "max", 9)]
        {
            let [root_path, slice_path, scope_path] = ["", "/a.slice", "/a.slice/b.scope"].map(path);
            let files = [
                cgroup,
                ("proc/self/mountinfo", V2),
                (root_path.as_str(), root),
                (slice_path.as_str(), slice),
                (scope_path.as_str(), scope),
            ];
            assert_eq!(memory(&files), Some(lowest));
        }
        let others = [cgroup, ("sys/fs/cgroup/a.slice/c.scope/memory.max", "5")];
        assert_eq!(memory(&others), None, "another group's limit");
        let high = [cgroup, ("sys/fs/cgroup/a.slice/memory.high", "50"), ("sys/fs/cgroup/a.slice/memory.max", "60")];
        assert_eq!(memory(&high), Some(50));
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory() {
        let mountinfo = "33 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                         34 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
        let files = [
            ("proc/self/cgroup", "7:memory:/job/1\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n0::/\n"),
            ("proc/self/mountinfo", mountinfo),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/job/1/memory.limit_in_bytes", "4000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(of(&files), GroupLimits { memory: Some(1000), processors: Some(2.5) });
        // The limit of a group above the mounted one.
        let hidden = [
            ("proc/self/cgroup", "7:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
            ("sys/fs/cgroup/memory/memory.stat", "cache 1\nhierarchical_memory_limit 300\n"),
        ];
        assert_eq!(memory(&hidden), Some(300));
    }

    #[test]
    fn processor_time_of_version_2() {
        let cgroup = ("proc/self/cgroup", "0::/a/b");
        let quota = |own: &'static str, above: &'static str| {
            of(&[cgroup, ("sys/fs/cgroup/a/b/cpu.max", own), ("sys/fs/cgroup/a/cpu.max", above)]).processors
        };
        assert_eq!(quota("max 100000", "max 100000"), None);
        assert_eq!(quota("150000 100000", "max 100000"), Some(1.5));
        assert_eq!(quota("150000 100000", "10000 20000"), Some(0.5));
        assert_eq!(quota("50000", "max"), Some(0.5));
    }

    #[test]
    fn a_hierarchy_is_found_wherever_it_is_mounted() {
        let unusual = "30 24 0:26 / /run/my\\040groups rw - cgroup2 cgroup2 rw\n";
        let files =
            [("proc/self/cgroup", "0::/a\n"), ("proc/self/mountinfo", unusual), ("run/my groups/a/memory.max", "77")];
        assert_eq!(memory(&files), Some(77));
        // A container that sees the host's paths, with its own group mounted.
        let own = "30 24 0:26 /docker/c1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let files = [
            ("proc/self/cgroup", "0::/docker/c1/worker\n"),
            ("proc/self/mountinfo", own),
            ("sys/fs/cgroup/worker/memory.max", "90"),
            ("sys/fs/cgroup/memory.max", "80"),
        ];
        assert_eq!(memory(&files), Some(80));
        // A process outside of the root of its namespace.
        for group in ["0::/../..\n", "0::/../other\n"] {
            let files = [("proc/self/cgroup", group), ("proc/self/mountinfo", V2), ("sys/fs/cgroup/memory.max", "60")];
            assert_eq!(memory(&files), Some(60), "{group}");
        }
        // Both versions: the group of version 2 has no memory controller.
        let files = [
            ("proc/self/cgroup", "4:memory:/job\n0::/\n"),
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "70"),
            ("sys/fs/cgroup/unified/cgroup.procs", "1"),
        ];
        assert_eq!(memory(&files), Some(70));
        assert_eq!(memory(&[("sys/fs/cgroup/memory.max", "50")]), Some(50), "without a list of groups");
    }
}
