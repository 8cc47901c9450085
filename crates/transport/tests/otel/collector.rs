//! A collector that keeps what it is sent. It speaks just enough HTTP for the exporter.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// Path and body of each export.
type Exports = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

pub(crate) struct Collector {
    address: SocketAddr,
    exports: Exports,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let exports = Exports::default();
        let kept = Arc::clone(&exports);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream.unwrap(), &kept));
            }
        });
        Self { address, exports }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that arrived, for a search for what must not be in it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let exports = self.exports.lock().unwrap();
        exports.iter().flat_map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.decode::<ExportTraceServiceRequest>("/v1/traces");
        let resources = requests.into_iter().flat_map(|all| all.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    pub(crate) fn metrics(&self) -> BTreeMap<String, Metric> {
        let requests = self.decode::<ExportMetricsServiceRequest>("/v1/metrics");
        let resources = requests.into_iter().flat_map(|all| all.resource_metrics);
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        let metrics = scopes.flat_map(|scope| scope.metrics);
        metrics
            .map(|metric| (metric.name.clone(), metric))
            .collect()
    }

    fn decode<T: Message + Default>(&self, path: &str) -> Vec<T> {
        let exports = self.exports.lock().unwrap();
        let bodies = exports.iter().filter(|(to, _)| to == path);
        bodies
            .map(|(_, body)| T::decode(body.as_slice()).unwrap())
            .collect()
    }
}

/// Answers the exports of one connection until it is closed.
fn serve(mut stream: TcpStream, exports: &Exports) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim().to_ascii_lowercase());
        }
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let length = head
            .iter()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        exports.lock().unwrap().push((path, body));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}

/// Attributes by name, their values as text.
pub(crate) fn texts(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let pairs = attributes.iter();
    pairs
        .map(|pair| (pair.key.as_str(), text(pair.value.as_ref().unwrap())))
        .collect()
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        Value::ArrayValue(list) => {
            let items: Vec<_> = list.values.iter().map(text).collect();
            items.join(",")
        }
        other => panic!("unexpected {other:?}"),
    }
}

/// The points of a histogram.
pub(crate) fn points(metric: &Metric) -> &[HistogramDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Histogram(histogram) => &histogram.data_points,
        other => panic!("unexpected {other:?}"),
    }
}
