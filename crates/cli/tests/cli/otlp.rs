//! Spans and metrics of a run, as a collector gets them.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use gimmal_emulator::Emulator;

use crate::support::{Bench, finish, prompts};

/// Takes everything, and keeps it by its path.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Collector {
    /// Listens for as long as the test runs; gives its address.
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let collector = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let collector = collector.clone();
                std::thread::spawn(move || while collector.take(&stream).is_some() {});
            }
        });
        format!("http://{address}")
    }

    /// One request of a connection; `None` when there are no more.
    fn take(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        self.0.lock().unwrap().entry(path).or_default().extend(body);
        let reply = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        (&*stream).write_all(reply.as_bytes()).ok()
    }

    /// How often a text came to a path.
    fn count(&self, path: &str, text: &str) -> usize {
        let all = self.0.lock().unwrap();
        let bytes = all.get(path).map_or(&[][..], Vec::as_slice);
        let windows = bytes.windows(text.len());
        windows.filter(|window| *window == text.as_bytes()).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_a_span_of_each_prompt_and_the_figures() {
    let collector = Collector::default();
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(12));
    let endpoint = collector.start();
    let args = [
        "batch",
        "prompts.jsonl",
        "-o",
        "answers.jsonl",
        "--otlp-endpoint",
        &endpoint,
    ];
    let ran = finish(bench.command_for(&emulator, args)).await.code(0);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    // A span of each prompt has its place; that of a request below it has none.
    assert_eq!(collector.count("/v1/traces", "gimmal.batch.item.index"), 12);
    assert!(collector.count("/v1/traces", "gimmal.batch.try") >= 12);
    for metric in ["gimmal.batch.items", "gimmal.batch.tokens", "service.name"] {
        assert!(collector.count("/v1/metrics", metric) > 0, "{metric}");
    }
    assert_eq!(
        collector.count("/v1/traces", "What is gimmal"),
        0,
        "no prompt"
    );

    // Nobody listens: the run is none the worse for it.
    let args = [
        "batch",
        "prompts.jsonl",
        "-o",
        "answers.jsonl",
        "--overwrite",
    ];
    let nobody = ["--otlp-endpoint", "http://127.0.0.1:9"];
    let ran = finish(bench.command_for(&emulator, args.iter().chain(&nobody))).await;
    let ran = ran.code(0);
    assert!(
        ran.err.contains("warning: the collector did not take"),
        "{}",
        ran.err
    );
    let bad = ["--otlp-endpoint", "no address"];
    let ran = finish(bench.command_for(&emulator, args.iter().chain(&bad))).await;
    let ran = ran.code(2);
    assert!(
        ran.err.contains("--otlp-endpoint no address: "),
        "{}",
        ran.err
    );
    emulator.shutdown().await;
}
