//! What the operating system says of a process, and of the machine.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// The memory of a process, in kilobytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// The resident set size now.
    pub(crate) resident: u64,
    /// The largest resident set size so far.
    pub(crate) peak: u64,
}

/// Reads the user and system time of a process, of all its threads together.
pub(crate) fn read_cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program may contain spaces; what follows it does not.
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // USER_HZ is 100 on every Linux.
    Duration::from_millis(ticks * 10)
}

/// Reads the memory of a process.
pub(crate) fn read_memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let read = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    Memory {
        resident: read("VmRSS:"),
        peak: read("VmHWM:"),
    }
}

/// Waits until a process has used no CPU time for a second.
pub(crate) fn wait_until_idle(process: u32) {
    let mut before = read_cpu_time(process);
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = read_cpu_time(process);
        if now == before {
            return;
        }
        before = now;
    }
}

/// Describes the machine: its processors, memory and kernel.
pub(crate) fn describe_machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let value_of = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value
            .map_or("unknown", |(_, value)| value.trim())
            .to_owned()
    };
    let model = value_of(&processors, "model name");
    let count = std::thread::available_parallelism().unwrap();
    let kilobytes = value_of(&memory, "MemTotal");
    let kilobytes: u64 = kilobytes.trim_end_matches(" kB").parse().unwrap();
    let gigabytes = kilobytes as f64 * 1_024.0 / 1e9;
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim();
    format!("{model}, {count} processors, {gigabytes:.0} GB, Linux {kernel}")
}

/// Adds up what the files of a folder and of the folders in it take of the disk, in octets.
// Databases reserve more than they have written, so the lengths of files say little.
pub(crate) fn measure_folder(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => measure_folder(&entry.path()),
            false => entry.metadata().unwrap().blocks() * BLOCK,
        })
        .sum()
}

/// The unit in which the size on the disk is given, on every Linux.
const BLOCK: u64 = 512;
