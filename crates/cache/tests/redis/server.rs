//! A redis-server of a test's own, and a proxy before it that can be slow or go away.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gimmal_cache::testing::ManualClock;
use gimmal_cache::{
    CacheKey, Clock, Entry, KeyRequest, MemoryCache, RedisCache, RedisCacheBuilder, SystemClock,
    TieredCache, TieredSettings, Value,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

pub(crate) struct Server {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// A server; none where it is not installed, and then it says so.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        let mut server = Self {
            port: free_port(),
            folder: tempfile::tempdir().expect("a folder"),
            arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
            process: None,
        };
        if let Err(error) = server.run().await {
            eprint_skipped(&error);
            return None;
        }
        Some(server)
    }

    /// A place for a server that does not run yet.
    pub(crate) async fn prepare() -> Option<Self> {
        let mut server = Self::start(&[]).await?;
        server.kill().await;
        Some(server)
    }

    pub(crate) async fn run(&mut self) -> std::io::Result<()> {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        self.process = Some(child);
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(std::io::Error::other("redis-server does not listen"))
    }

    pub(crate) async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await.expect("it ends");
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection beside the cache, for looking.
    pub(crate) async fn look(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("a url");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection")
    }

    pub(crate) fn cache(&self, clock: &impl CloneClock) -> RedisCache {
        self.builder(clock).build().expect("settings")
    }

    pub(crate) fn builder(&self, clock: &impl CloneClock) -> RedisCacheBuilder {
        builder(&self.url(), clock)
    }

    pub(crate) fn tiered(&self, clock: &impl CloneClock) -> Tiered {
        tiered(self.cache(clock), clock)
    }
}

pub(crate) type Tiered = TieredCache<MemoryCache, RedisCache>;

pub(crate) fn builder(url: &str, clock: &impl CloneClock) -> RedisCacheBuilder {
    RedisCache::builder(url).with_clock(clock.shared())
}

pub(crate) fn tiered(l2: RedisCache, clock: &impl CloneClock) -> Tiered {
    let l1 = MemoryCache::builder().with_clock(clock.shared()).build();
    let settings = TieredSettings::default().with_clock(clock.shared());
    TieredCache::with_settings(l1, l2, settings)
}

/// A clock as the cache takes it.
pub(crate) trait CloneClock {
    fn shared(&self) -> Arc<dyn Clock>;
}

impl CloneClock for ManualClock {
    fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }
}

impl CloneClock for SystemClock {
    fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(*self)
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[expect(clippy::print_stderr, reason = "a test that was skipped must say so")]
fn eprint_skipped(error: &std::io::Error) {
    eprintln!("skipped: redis-server cannot be started here: {error}");
}

pub(crate) fn key(text: &str) -> CacheKey {
    KeyRequest::new("qa").with_text(text).key()
}

pub(crate) fn entry(content: &str, now: &impl Clock) -> Entry {
    Entry::new(Value::bytes(content.to_owned()), now.timestamp()).with_ttl(seconds(60))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Waits, for ten seconds at most, until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} does not come true");
}

/// Passes bytes on to a server until it has passed as many replies' bytes as it may.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    budget: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            budget: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let budget = proxy.budget.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                tokio::spawn(pass(near, far, budget.clone()));
            }
        });
        proxy
    }

    /// Cuts the connection after this many more bytes of replies.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::SeqCst);
    }
}

async fn pass(near: TcpStream, far: TcpStream, budget: Arc<AtomicU64>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let there = tokio::io::copy(&mut near_read, &mut far_write);
    let back = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = far_read.read(&mut buffer).await {
            let left = budget.load(Ordering::SeqCst);
            let count = (count as u64).min(left) as usize;
            if near_write.write_all(&buffer[..count]).await.is_err() {
                return;
            }
            if left != u64::MAX {
                budget.store(left - count as u64, Ordering::SeqCst);
                if left == count as u64 {
                    // The next connection is whole again.
                    budget.store(u64::MAX, Ordering::SeqCst);
                    return;
                }
            }
        }
    };
    tokio::select! {
        _ = there => {}
        () = back => {}
    }
}
