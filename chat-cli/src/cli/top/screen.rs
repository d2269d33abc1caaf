//! The table on a terminal, redrawn in place.

use std::io;

use chat_core::Timestamp;
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::columns::Column;
use super::nodes::{Nodes, State};
use super::table::{Direction, Layout, Row, Sorting, rows, summary};
use crate::cli::text::{Colour, time_of_day};

/// The letter in brackets is the key.
const HELP: &str = "sort: [n]ode s[t]ate [s]ess [m]sgs [d]eliv [e]rr [p]99 [w]aiting memor[y] [q]uit";
/// The same where there is room for every column.
const WIDE_HELP: &str = "sort: [n]ode s[t]ate [s]ess [u]sers [m]sgs [d]eliv [r]eq [e]rr [h]alf:p50 [p]99 \
                         st[o]re99 [w]aiting memor[y] [c]pu [a]way [q]uit";
/// The lines around the rows: summary, titles, totals, help.
const AROUND: u16 = 4;

/// The terminal as the table has it; dropping it gives it back as it was.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    colour: Colour,
}

impl Screen {
    /// Takes the terminal. Also where the program panics it is given back.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub(super) fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| {
            // Half of it may be done.
            ratatui::try_restore().ok();
        })?;
        let colour = if Colour::is_refused() {
            Colour::Off
        } else {
            Colour::On
        };
        Ok(Self { terminal, colour })
    }

    /// Draws the nodes as they are at `now`.
    pub(super) fn draw(&mut self, nodes: &Nodes, sorting: Sorting, now: Timestamp) -> io::Result<()> {
        let colour = self.colour;
        self.terminal
            .draw(|frame| draw(frame, nodes, sorting, now, colour))?;
        Ok(())
    }

    /// Draws everything anew with the next frame.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Clearing it would ask the terminal where its cursor is, and the answer would wait behind the keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal is gone where this fails.
        self.terminal.show_cursor().ok();
        ratatui::try_restore().ok();
    }
}

fn draw(frame: &mut Frame<'_>, nodes: &Nodes, sorting: Sorting, now: Timestamp, colour: Colour) {
    let area = frame.area();
    let rows = rows(nodes, sorting, now);
    let layout = Layout::new(usize::from(area.width), &rows);
    let room = usize::from(area.height.saturating_sub(AROUND));
    let direction = match sorting.direction {
        Direction::Rising => "up",
        Direction::Falling => "down",
    };
    let by = format!("by {} {direction}", sorting.column.about().title);
    let mut lines = vec![
        Line::from(format!("chat top {}  {}  {by}", time_of_day(now), summary(&rows))),
        Line::styled(layout.titles(), Style::new().add_modifier(Modifier::REVERSED)),
    ];
    let shown = if rows.len() > room {
        room.saturating_sub(1)
    } else {
        rows.len()
    };
    for row in rows.iter().take(shown) {
        lines.push(Line::styled(layout.row(row), style(row, colour)));
    }
    if shown < rows.len() {
        lines.push(Line::from(format!("… {} more", rows.len() - shown)));
    }
    lines.push(Line::styled(
        layout.totals(&rows),
        Style::new().add_modifier(Modifier::BOLD),
    ));
    frame.render_widget(Paragraph::new(lines), area);
    if area.height >= AROUND {
        let bottom = Rect::new(area.x, area.bottom() - 1, area.width, 1);
        let has_room = usize::from(area.width) >= WIDE_HELP.len();
        let help = if has_room { WIDE_HELP } else { HELP };
        let help = Line::styled(help, Style::new().add_modifier(Modifier::DIM));
        frame.render_widget(Paragraph::new(help), bottom);
    }
}

fn style(row: &Row<'_>, colour: Colour) -> Style {
    let of = |colour_of_state: Color| match colour {
        Colour::On => Style::new().fg(colour_of_state),
        Colour::Off => Style::new(),
    };
    let has_errors = Column::Errors.number(row.node).is_some_and(|errors| errors > 0.0);
    match row.state {
        State::Silent(_) | State::NotReady => of(Color::Red),
        State::Stopped => of(Color::DarkGray),
        State::Starting | State::Draining => of(Color::Yellow),
        State::Ready if has_errors || !row.away.is_empty() => of(Color::Yellow),
        State::Ready => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::cli::logs::testing::record;

    fn drawn(count: u64, width: u16, height: u16) -> Vec<String> {
        let mut nodes = Nodes::default();
        for number in 1..=count {
            let record = record(&format!("n{number:02}"), 10_000);
            let seen = record.at;
            nodes.take(record, seen);
        }
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let now = Timestamp::from_millis(10_000);
        let sorting = Sorting::of(Column::Node);
        terminal
            .draw(|frame| draw(frame, &nodes, sorting, now, Colour::Off))
            .unwrap();
        let buffer = terminal.backend().buffer();
        let cells = |line: u16| (0..width).map(move |column| buffer[(column, line)].symbol());
        (0..height)
            .map(|line| cells(line).collect::<String>().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn the_help_fits_into_eighty_columns_and_names_every_key_where_it_is_wide() {
        assert!(HELP.len() <= 80, "{}", HELP.len());
        for column in Column::ALL {
            let key = format!("[{}]", column.about().key);
            assert!(WIDE_HELP.contains(&key), "{key}");
            let is_seen = Column::that_fit(80).contains(&column) && column != Column::Away;
            assert!(!is_seen || HELP.contains(&key), "{key}");
        }
    }

    #[test]
    fn more_nodes_than_lines_are_counted() {
        let lines = drawn(30, 80, 24);
        assert!(lines[0].contains("30 nodes, 30 ready"), "{}", lines[0]);
        assert!(lines[2].starts_with("n01") && lines[20].starts_with("n19"));
        assert_eq!(lines[21], "… 11 more");
        assert!(lines[22].starts_with("total") && lines[23].starts_with("sort:"));
        let lines = drawn(20, 80, 24);
        assert!(lines[21].starts_with("n20") && lines[22].starts_with("total"));
    }

    #[test]
    fn a_terminal_of_any_size_is_drawn() {
        for (width, height) in [(0, 0), (1, 1), (10, 2), (20, 4), (300, 100)] {
            drawn(5, width, height);
        }
    }
}
