//! A smaller input that still shows that a claim is wrong.
//!
//! `shrink TARGET INPUT OUTPUT` cuts the end off and turns bytes into zeros, of which generators make the plainest sample, as
//! long as the judge panics, then writes what is left and lets it panic once more for all to read. Exit code 1: it does.
//! 2: wrong usage, or the input shows nothing.

use iamc_judges::{Target, target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, input, output] = arguments.as_slice() else {
        eprintln!("usage: shrink TARGET INPUT OUTPUT");
        return ExitCode::from(2);
    };
    let (Some(target), Ok(bytes)) = (target(name), std::fs::read(input)) else {
        eprintln!("there is no target {name}, or no file {input}");
        return ExitCode::from(2);
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    if !fails(target, &bytes) {
        eprintln!("{input} shows nothing");
        return ExitCode::from(2);
    }
    let bytes = shrunk(target, bytes);
    std::panic::set_hook(hook);
    if let Err(error) = std::fs::write(output, &bytes) {
        eprintln!("{output}: {error}");
        return ExitCode::from(2);
    }
    println!("{} bytes", bytes.len());
    if fails(target, &bytes) { ExitCode::FAILURE } else { ExitCode::from(2) }
}

fn fails(target: &Target, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target.run(bytes))).is_err()
}

/// Until nothing smaller fails.
fn shrunk(target: &Target, mut bytes: Vec<u8>) -> Vec<u8> {
    loop {
        let before = bytes.clone();
        let mut step = bytes.len() / 2;
        while step > 0 {
            while bytes.len() > step && fails(target, &bytes[..bytes.len() - step]) {
                bytes.truncate(bytes.len() - step);
            }
            step /= 2;
        }
        let mut size = (bytes.len() / 2).max(1);
        loop {
            for first in (0..bytes.len()).step_by(size) {
                let end = (first + size).min(bytes.len());
                // All of them plainest; else, one by one, plainer.
                for divisor in [0, 2] {
                    let mut plainer = bytes.clone();
                    for byte in &mut plainer[first..end] {
                        *byte = if divisor == 0 { 0 } else { *byte / divisor };
                    }
                    if plainer != bytes && (divisor == 0 || size == 1) && fails(target, &plainer) {
                        bytes = plainer;
                    }
                }
            }
            if size == 1 {
                break;
            }
            size /= 2;
        }
        if bytes == before {
            return bytes;
        }
    }
}
