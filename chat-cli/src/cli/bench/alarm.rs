//! A timer that is more precise than tokio's, which knows milliseconds only.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod precise {
    use std::os::fd::AsFd;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::AsyncReadExt;
    use tokio::net::unix::pipe;

    use super::{Duration, io};

    /// A timer of the kernel. It is set through one handle and read through another, as a pipe is.
    #[derive(Debug)]
    pub(in super::super) struct Alarm {
        timer: TimerFd,
        rings: pipe::Receiver,
    }

    impl Alarm {
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            let handle = timer.as_fd().try_clone_to_owned()?;
            Ok(Self {
                timer,
                rings: pipe::Receiver::from_owned_fd_unchecked(handle)?,
            })
        }

        pub(in super::super) async fn wait(&mut self, time: Duration) -> io::Result<()> {
            // A time of zero would switch it off.
            let time = TimeSpec::from_duration(time.max(Duration::from_nanos(1)));
            self.timer
                .set(Expiration::OneShot(time), TimerSetTimeFlags::empty())?;
            // How often it rang: as it was set for once, once.
            self.rings.read_u64().await.map(drop)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod precise {
    use super::{Duration, io};

    #[derive(Debug)]
    pub(in super::super) struct Alarm;

    impl Alarm {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn wait(&mut self, time: Duration) -> io::Result<()> {
            tokio::time::sleep(time).await;
            Ok(())
        }
    }
}

pub(super) use precise::Alarm;
