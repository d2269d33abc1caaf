//! Sends at fixed times, whatever becomes of what was sent before.

use std::rc::Rc;
use std::time::Duration;

use chat_client::Error;

use super::alarm::Alarm;
use super::flow::Schedule;
use super::measure::Measure;
use super::sender::Sender;

/// The shortest time between two looks at what is due. A shorter one would take much of a core for itself; a message is
/// sent this much too late at most, which its latency has in it.
const TICK: Duration = Duration::from_micros(100);

/// Asks the senders in turn for the messages that are due, until the end of sending.
pub(super) async fn pace(schedule: Schedule, senders: &[Rc<Sender>], measure: &Measure) -> Result<(), Error> {
    let failed = |error| Error::ConnectionLost(Some(error));
    let mut alarm = Alarm::new().map_err(failed)?;
    let time = measure.until().saturating_sub(measure.begun());
    let end = schedule.count_due(time.saturating_sub(1));
    let mut turns = senders.iter().cycle();
    let mut asked = 0;
    while asked < end {
        let now = measure.now().saturating_sub(measure.begun());
        let due = schedule.count_due(now).min(end);
        for _ in asked..due {
            if let Some(sender) = turns.next() {
                sender.ask_for_one()?;
            }
        }
        asked = asked.max(due);
        let next = Duration::from_nanos(schedule.due(asked).saturating_sub(now));
        alarm.wait(next.max(TICK)).await.map_err(failed)?;
    }
    Ok(())
}
