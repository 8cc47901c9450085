//! What a bus is told, and the lines of a log.

use std::sync::{Arc, Mutex};

use gimmal_client::transport::observe::{Event, EventBus};
use gimmal_client::types::tinker::Datum;
use gimmal_training::candle::{Device, Tensor};
use gimmal_training::{
    EVENTS, Error, L1, Penalty, Pipeline, RegularizerLogger, RegularizerSpec, log_line,
};

/// The names and the log lines of all events of a bus.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<(String, String)>>>);

impl Heard {
    pub(crate) fn on(bus: &EventBus) -> Self {
        let heard = Self::default();
        let ear = heard.clone();
        let listen = move |event: &Event| {
            let line = log_line(event).unwrap_or_default();
            ear.0.lock().unwrap().push((event.name().to_owned(), line));
        };
        bus.attach("test", Arc::new(listen)).unwrap();
        heard
    }

    /// The lines so far that contain a text.
    pub(crate) fn lines(&self, text: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let lines = all.iter().map(|(_, line)| line);
        lines.filter(|line| line.contains(text)).cloned().collect()
    }

    /// How many events had a name that ends like this.
    pub(crate) fn count(&self, ending: &str) -> usize {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|(name, _)| name.ends_with(ending))
            .count()
    }
}

/// Covers: CHK-RT2-1
#[tokio::test]
async fn a_log_tells_what_a_loss_came_to() {
    let bus = EventBus::new();
    let heard = Heard::on(&bus);
    RegularizerLogger::new().attach(&bus, "log").unwrap();
    assert!(RegularizerLogger::new().attach(&bus, "log").is_err());
    let base =
        |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> { Ok((x.sum_all()? * 0.5)?.into()) };
    let pipeline = Pipeline::new(base)
        .with_regularizer(RegularizerSpec::new("sparse", 0.365, L1::new()).unwrap())
        .with_grad_norms(true)
        .with_event_bus(bus);
    let x = Tensor::new(&[4.0_f64], &Device::Cpu).unwrap();
    pipeline.compute(Vec::<Datum>::new(), &x).await.unwrap();
    let [starting] = &heard.lines("Custom loss starting")[..] else {
        panic!("one start");
    };
    assert_eq!(
        starting,
        "Custom loss starting: regularizers=1 track_grad_norms=true"
    );
    let [stopped] = &heard.lines("Custom loss computed in")[..] else {
        panic!("one stop");
    };
    assert!(stopped.contains("total=3.46"), "{stopped}");
    assert!(stopped.contains("regularizer_total=1.46"), "{stopped}");
    assert!(stopped.contains("regularizers=1"), "{stopped}");
    assert_eq!(heard.lines("Regularizer sparse starting").len(), 1);
    let [value] = &heard.lines("Regularizer sparse value=")[..] else {
        panic!("one value");
    };
    assert!(
        value.starts_with("Regularizer sparse value=4 contribution=1.46 in "),
        "{value}"
    );
    assert!(value.ends_with("ms grad_norm=1"), "{value}");
}

#[test]
fn other_events_are_no_lines() {
    assert_eq!(log_line(&Event::custom("gimmal.other", Vec::new())), None);
    for name in EVENTS {
        assert!(
            log_line(&Event::custom(name, Vec::new())).is_some(),
            "{name}"
        );
    }
}
