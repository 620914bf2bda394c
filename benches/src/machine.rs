//! Where a figure was measured: without that it says nothing.

use std::process::Command;

/// A machine, as far as it tells.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Cores that this process may use.
    pub n_cores: usize,
    /// Size of the last cache as the kernel writes it, `32768K`.
    pub last_cache: String,
    /// Main memory in bytes; 0 if not known.
    pub memory_bytes: u64,
    /// `rustc --version` of the toolchain in use.
    pub rustc: String,
    /// `debug` or `release`.
    pub build: &'static str,
}

impl Machine {
    /// This one. What the system does not tell is `unknown`.
    pub fn this() -> Machine {
        let line = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let cache = |index: usize| {
            std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size")).ok()
        };
        let rustc = Command::new("rustc").arg("--version").output().ok();
        Machine {
            processor: line("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            n_cores: std::thread::available_parallelism().map_or(1, usize::from),
            last_cache: (0..8).rev().find_map(cache).map_or_else(unknown, |size| size.trim().to_owned()),
            memory_bytes: line("/proc/meminfo", "MemTotal").and_then(|text| kilobytes(&text)).unwrap_or(0),
            rustc: rustc
                .and_then(|output| String::from_utf8(output.stdout).ok())
                .map_or_else(unknown, |text| text.trim().to_owned()),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

/// The load average of the last minute; `None` where the system has none.
pub fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The most memory that this process ever had in use, in bytes; `None` where the system does not tell.
pub fn peak_bytes() -> Option<u64> {
    status("VmHWM:")
}

/// The memory that this process has in use, in bytes; `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(text.lines().find_map(|line| line.strip_prefix(name))?)
}

fn kilobytes(text: &str) -> Option<u64> {
    text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
