//! What waits in one subscription: bounded, and honest about what is missing.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_core::ports::{BusItem, Notice};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::meters::{GAPS, PUSHES_DROPPED};

/// The time between two gaps while nothing can be received; the port allows a second.
const GAP_INTERVAL: Duration = Duration::from_millis(750);

/// What waits in one subscription.
#[derive(Debug)]
pub(super) struct Inbox {
    capacity: usize,
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<BusItem>,
    /// When the next gap is due, while nothing can be received.
    away: Option<Instant>,
    closed: bool,
}

enum Taken {
    Items(Vec<BusItem>),
    Closed,
    Nothing { next_gap: Option<Instant> },
}

impl Inbox {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            state: Mutex::default(),
            filled: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds notices; where there is no room the last item becomes a gap.
    pub(super) fn push(&self, notices: Vec<Notice>) {
        let mut state = self.state();
        let room = self.capacity.saturating_sub(state.items.len());
        let mut lost = notices.len().saturating_sub(room);
        state
            .items
            .extend(notices.into_iter().take(room).map(BusItem::Notice));
        if lost > 0 {
            if let Some(last @ BusItem::Notice(_)) = state.items.back_mut() {
                // The gap takes the place of a notice, which is lost as well.
                *last = BusItem::Gap;
                lost += 1;
            }
            PUSHES_DROPPED.count(&[]).increment(lost as u64);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Adds a gap after what is there already.
    pub(super) fn push_gap(&self) {
        self.change(|_| {});
    }

    /// Nothing, or not everything, can be received from now on.
    pub(super) fn lost(&self) {
        self.change(|state| {
            state.away.get_or_insert_with(|| Instant::now() + GAP_INTERVAL);
        });
    }

    /// Everything can be received again; what came meanwhile was missed.
    pub(super) fn found(&self) {
        self.change(|state| state.away = None);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let full = state.items.len() >= self.capacity;
        match state.items.back_mut() {
            Some(BusItem::Gap) => {}
            Some(last) if full => *last = BusItem::Gap,
            _ => state.items.push_back(BusItem::Gap),
        }
        drop(state);
        GAPS.count(&[]).increment(1);
        self.filled.notify_one();
    }

    /// Ends the subscription once it has yielded what it holds.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Waits for the next items, at most `limit`; none once it is closed. Cancel safe: items are taken in the moment that
    /// they are answered.
    pub(super) async fn next(&self, limit: usize) -> Vec<BusItem> {
        loop {
            let next_gap = match self.take(limit.max(1)) {
                Taken::Items(items) => return items,
                Taken::Closed => return Vec::new(),
                Taken::Nothing { next_gap } => next_gap,
            };
            // A push since then leaves a permit, so this cannot miss it.
            match next_gap {
                None => self.filled.notified().await,
                Some(due) => tokio::select! {
                    () = self.filled.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    fn take(&self, limit: usize) -> Taken {
        let mut state = self.state();
        let count = state.items.len().min(limit);
        if count > 0 {
            return Taken::Items(state.items.drain(..count).collect());
        }
        if state.closed {
            return Taken::Closed;
        }
        let now = Instant::now();
        match state.away {
            Some(due) if due <= now => {
                state.away = Some(now + GAP_INTERVAL);
                Taken::Items(vec![BusItem::Gap])
            }
            next_gap => Taken::Nothing { next_gap },
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::ports::{NoticeKind, Topic};
    use chat_core::types::{GroupId, NodeId, UserId};
    use futures_util::FutureExt;

    use super::*;

    fn notice(number: u64) -> Notice {
        Notice {
            topic: Topic::User(UserId::new(1).unwrap()),
            origin: NodeId::parse("n1").unwrap(),
            kind: NoticeKind::MembershipChanged {
                group: GroupId::new(number).unwrap(),
            },
        }
    }

    fn held(inbox: &Inbox) -> Vec<BusItem> {
        inbox.next(usize::MAX).now_or_never().unwrap_or_default()
    }

    #[tokio::test]
    async fn what_finds_no_room_becomes_one_gap() {
        let inbox = Inbox::new(3);
        inbox.push(vec![notice(1)]);
        inbox.push((2..=10).map(notice).collect());
        inbox.push(vec![notice(11)]);
        inbox.push_gap();
        let expected = [
            BusItem::Notice(notice(1)),
            BusItem::Notice(notice(2)),
            BusItem::Gap,
        ];
        assert_eq!(held(&inbox), expected);
        inbox.push(vec![notice(12)]);
        assert_eq!(held(&inbox), [BusItem::Notice(notice(12))]);
    }

    #[tokio::test]
    async fn a_gap_stands_after_what_came_before_it() {
        let inbox = Inbox::new(3);
        inbox.push(vec![notice(1)]);
        inbox.lost();
        inbox.found();
        inbox.push(vec![notice(2)]);
        let expected = [
            BusItem::Notice(notice(1)),
            BusItem::Gap,
            BusItem::Notice(notice(2)),
        ];
        assert_eq!(held(&inbox), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn gaps_come_at_least_each_second_until_receiving_works_again() {
        let inbox = Inbox::new(3);
        inbox.lost();
        let begin = Instant::now();
        for _ in 0..5 {
            let item = tokio::time::timeout(Duration::from_secs(1), inbox.next(9)).await;
            assert_eq!(item.unwrap(), [BusItem::Gap]);
        }
        assert!(
            begin.elapsed() >= Duration::from_secs(2),
            "gaps come in a busy loop"
        );
        inbox.found();
        assert_eq!(held(&inbox), [BusItem::Gap]);
        let more = tokio::time::timeout(Duration::from_secs(60), inbox.next(9)).await;
        assert!(more.is_err(), "{more:?}");
    }

    #[tokio::test]
    async fn a_closed_inbox_yields_what_it_holds_first() {
        let inbox = Inbox::new(3);
        inbox.push(vec![notice(1), notice(2)]);
        inbox.close();
        assert_eq!(inbox.next(1).await, [BusItem::Notice(notice(1))]);
        assert_eq!(inbox.next(1).await, [BusItem::Notice(notice(2))]);
        assert_eq!(inbox.next(1).await, []);
        assert_eq!(inbox.next(1).await, []);
    }
}
