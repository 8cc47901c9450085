//! Observation that nobody asked for allocates nothing.
//!
//! A test binary of its own: the count is of the whole process.

use std::alloc::System;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gimmal_transport::observe::{Event, EventBus};
use gimmal_transport::{
    ByteStream, CallOptions, Error, HttpTransport, Request, Transport, TransportBuilder,
};
use http::Method;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Answers at once and remembers nothing.
#[derive(Debug)]
struct Instant;

impl HttpTransport for Instant {
    fn execute(
        &self,
        _request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        let body = ByteStream::from_bytes(Bytes::from_static(b"{}"));
        std::future::ready(Ok(http::Response::new(body))).boxed()
    }
}

/// How often one call allocates.
fn allocations(builder: TransportBuilder) -> usize {
    let transport = builder.with_http(Arc::new(Instant)).build().unwrap();
    let request = Request::new(Method::GET, "http://localhost/".parse().unwrap());
    let options = CallOptions::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // The first call sets up what later ones share.
    runtime
        .block_on(transport.send(request.clone(), &options))
        .unwrap();
    let region = Region::new(ALLOCATOR);
    runtime.block_on(transport.send(request, &options)).unwrap();
    region.change().allocations
}

#[test]
fn a_bus_without_handlers_costs_no_allocation() {
    let bus = EventBus::new();
    let without = allocations(Transport::builder());
    let idle = allocations(Transport::builder().with_event_bus(bus.clone()));
    assert_eq!(idle, without);

    bus.attach("any", Arc::new(|_: &Event| {})).unwrap();
    let listening = allocations(Transport::builder().with_event_bus(bus));
    assert!(listening > idle, "otherwise this measures nothing");
}
