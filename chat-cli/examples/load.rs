//! A small load on a running server: `load sends|latency|idle ADDRESS CONNECTIONS AMOUNT`.
//!
//! - `sends`: each connection keeps 10 direct sends in flight for AMOUNT seconds; prints
//!   acknowledged sends a second.
//! - `latency`: AMOUNT messages a second over all pairs for 10 seconds, at fixed times; prints the
//!   time from when a message should have been sent to its delivery.
//! - `idle`: logs CONNECTIONS connections in, then stays silent for AMOUNT seconds.

use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::Instant;

const WINDOW: usize = 10;
const LATENCY_SECONDS: u64 = 10;

struct Client {
    id: u64,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address)
            .await
            .context("cannot reach the server")?;
        socket.set_nodelay(true)?;
        let (reader, writer) = socket.into_split();
        let reader = BufReader::with_capacity(4_096, reader);
        Ok(Self {
            id: 0,
            reader,
            writer,
        })
    }

    async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        Ok(self.writer.write_all(&line).await?)
    }

    /// The next frame of a type; others are passed over, a refusal ends the program.
    async fn wait_for(&mut self, kind: &str) -> anyhow::Result<Value> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.reader.read_line(&mut line).await? == 0 {
                bail!("the server closed the connection");
            }
            let frame: Value = serde_json::from_str(&line)?;
            match frame.get("type").and_then(Value::as_str) {
                Some(found) if found == kind => return Ok(frame),
                Some("error" | "goodbye") => bail!("refused: {frame}"),
                _ => {}
            }
        }
    }

    /// Registers a user and logs them in; the token logs further devices in.
    async fn log_in(address: &str, name: &str) -> anyhow::Result<(Self, Value)> {
        let mut client = Self::connect(address).await?;
        client
            .send(&json!({"type":"register","name":name,"password":"load load"}))
            .await?;
        client.wait_for("registered").await?;
        client
            .send(&json!({"type":"login","name":name,"password":"load load","ack":"auto"}))
            .await?;
        let welcome = client.wait_for("welcome").await?;
        let id = welcome.pointer("/user/id").and_then(Value::as_u64);
        client.id = id.context("the welcome has no user id")?;
        client.wait_for("synced").await?;
        Ok((client, welcome.get("token").cloned().unwrap_or_default()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, address, connections, amount] = arguments.as_slice() else {
        bail!("usage: load sends|latency|idle ADDRESS CONNECTIONS AMOUNT");
    };
    let (connections, amount) = (connections.parse()?, amount.parse()?);
    match mode.as_str() {
        "sends" => sends(address, connections, Duration::from_secs(amount)).await,
        "latency" => latency(address, connections, amount).await,
        "idle" => idle(address, connections, Duration::from_secs(amount)).await,
        _ => bail!("the mode is one of sends, latency and idle"),
    }
}

async fn users(address: &str, count: usize) -> anyhow::Result<Vec<Client>> {
    let run = std::process::id();
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(Client::log_in(address, &format!("load-{run}-{number}")).await?.0);
    }
    Ok(clients)
}

/// Every connection writes to the next one's user.
async fn sends(address: &str, connections: usize, time: Duration) -> anyhow::Result<()> {
    let clients = users(address, connections).await?;
    let ids: Vec<u64> = clients.iter().map(|client| client.id).collect();
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for (client, &to) in clients.into_iter().zip(ids.iter().cycle().skip(1)) {
        tasks.spawn(keep_sending(client, to, until));
    }
    let mut sent = 0_u64;
    while let Some(count) = tasks.join_next().await {
        sent += count??;
    }
    println!("{:.0} sends/s acknowledged", sent as f64 / time.as_secs_f64());
    Ok(())
}

async fn keep_sending(mut client: Client, to: u64, until: Instant) -> anyhow::Result<u64> {
    let message = json!({"type":"send","to":{"user":to},"body":"x".repeat(100)});
    for _ in 0..WINDOW {
        client.send(&message).await?;
    }
    let mut sent = 0;
    while Instant::now() < until {
        client.wait_for("sent").await?;
        sent += 1;
        client.send(&message).await?;
    }
    Ok(sent)
}

type Measured = anyhow::Result<Option<Histogram<u64>>>;

async fn latency(address: &str, connections: usize, rate: u64) -> anyhow::Result<()> {
    let mut clients = users(address, connections).await?;
    let receivers = clients.split_off(connections / 2);
    let start = Instant::now() + Duration::from_millis(100);
    let pairs = u32::try_from(receivers.len())?;
    let interval = Duration::from_secs(1) * pairs / u32::try_from(rate)?;
    let count = u32::try_from(LATENCY_SECONDS * rate)? / pairs;
    let mut tasks = JoinSet::new();
    for (place, (sender, receiver)) in (0_u32..).zip(clients.into_iter().zip(receivers)) {
        let first = start + interval * place / pairs;
        tasks.spawn(pace(sender, receiver.id, first, interval, count));
        tasks.spawn(measure(receiver, first, interval, count));
    }
    let mut all = Histogram::<u64>::new(3)?;
    while let Some(histogram) = tasks.join_next().await {
        if let Some(histogram) = histogram?? {
            all.add(histogram)?;
        }
    }
    let millis = |quantile| all.value_at_quantile(quantile) as f64 / 1_000.0;
    println!(
        "{} delivered, p50 {:.2} ms, p99 {:.2} ms",
        all.len(),
        millis(0.5),
        millis(0.99)
    );
    Ok(())
}

async fn pace(mut sender: Client, to: u64, first: Instant, interval: Duration, count: u32) -> Measured {
    for number in 0..count {
        tokio::time::sleep_until(first + interval * number).await;
        sender
            .send(&json!({"type":"send","to":{"user":to},"body":number.to_string()}))
            .await?;
    }
    for _ in 0..count {
        sender.wait_for("sent").await?;
    }
    Ok(None)
}

async fn measure(mut receiver: Client, first: Instant, interval: Duration, count: u32) -> Measured {
    let mut histogram = Histogram::new(3)?;
    for number in 0..count {
        let message = receiver.wait_for("message").await?;
        if message.get("body") != Some(&json!(number.to_string())) {
            bail!("expected message {number}, received {message}");
        }
        let late = (first + interval * number).elapsed();
        histogram.record(u64::try_from(late.as_micros())?)?;
    }
    Ok(Some(histogram))
}

/// A hundred devices of one user each, because that is how many a user may have.
async fn idle(address: &str, connections: usize, time: Duration) -> anyhow::Result<()> {
    let run = std::process::id();
    let mut open = Vec::new();
    let mut token = Value::Null;
    for number in 0..connections {
        if number % 100 == 0 {
            let (client, new) = Client::log_in(address, &format!("idle-{run}-{number}")).await?;
            token = new;
            open.push(client);
            continue;
        }
        let mut client = Client::connect(address).await?;
        let device = format!("device-{}", number % 100);
        client
            .send(&json!({"type":"login","token":token,"device":device,"ack":"auto"}))
            .await?;
        client.wait_for("synced").await?;
        open.push(client);
    }
    println!("{} connections are idle", open.len());
    tokio::time::sleep(time).await;
    Ok(())
}
