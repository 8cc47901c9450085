//! The cache in Redis, against a real server on loopback. Where there is no `redis-server`, every
//! test says so and passes.

#![cfg(feature = "redis")]

mod chaos;
mod contract;
mod faults;
mod invalidation;
mod locks;
mod outages;
mod server;
mod settings;
mod stampede;
mod survey;
