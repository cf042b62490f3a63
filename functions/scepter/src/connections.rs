//! Limits open connections, and chooses which one to close when a new one arrives.
//!
//! A new connection is always accepted, so that administrators and `/health` are served no matter
//! how many clients are slow. When a limit is exceeded, one connection of the address that exceeds
//! its limit, or of the address with the most connections, is closed: the one that has waited
//! longest, either for its client (to send the rest of a request, to read a response, to send
//! another request) or in line. A connection whose request is being answered is never closed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::line::{Line, Permit};

/// The network part of an IPv6 address. A client that has one address usually controls its whole
/// /64, so the limits count networks.
const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

/// The interval between log lines about closed connections.
const REPORT_EVERY: Duration = Duration::from_secs(60);

/// The most requests for CRLs and other published documents that are answered at a time. They have
/// a line of their own: nobody can verify certificates without them, and they take next to no time.
const MAX_PUBLISHED: usize = 100;

/// The most pipelined requests (sent before the response to the previous one) that are answered at
/// a time.
const MAX_ANSWERED_AHEAD: usize = 2;

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most connections in total.
    pub(crate) total: usize,
    /// The most connections of one address, or one /64 of IPv6, on which the server waits for the
    /// client.
    pub(crate) per_address: usize,
}

/// Every open connection.
pub(crate) struct Connections {
    limits: Limits,
    open: Mutex<Open>,
    scep: Line,
    published: Semaphore,
    answered_ahead: Semaphore,
    /// Changes when the server shuts down. Each place has a receiver.
    shutdown: watch::Sender<()>,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_number: HashMap<u64, Connection>,
    /// The connections that may be closed, by network.
    waiting: HashMap<IpAddr, Waiting>,
    /// The number of connections that were asked to close and are still open.
    over: usize,
    closed: u64,
    reported_at: Option<Instant>,
}

/// The waiting connections of one network, in the order in which they started waiting.
#[derive(Default)]
struct Waiting {
    for_clients: BTreeSet<(Instant, u64)>,
    in_line: BTreeSet<(Instant, u64)>,
}

impl Waiting {
    fn count(&self) -> usize {
        self.for_clients.len().saturating_add(self.in_line.len())
    }

    fn longest(&self) -> Option<(Instant, u64)> {
        let (client, in_line) = (self.for_clients.first(), self.in_line.first());
        client.into_iter().chain(in_line).min().copied()
    }
}

struct Connection {
    network: IpAddr,
    turn: Turn,
    taken: Arc<Notify>,
}

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The server, which has yet to check for a request.
    Server,
    /// Requests ahead of it in line, since the given time.
    InLine(Instant),
    /// The server, which is answering a complete request.
    Answering,
    /// The client, since the given time.
    Client(Instant),
    /// Nothing: it was asked to close.
    Over,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            open: Mutex::default(),
            scep: Line::new(),
            published: Semaphore::new(MAX_PUBLISHED),
            answered_ahead: Semaphore::new(MAX_ANSWERED_AHEAD),
            shutdown: watch::Sender::new(()),
        })
    }

    /// Admits a new connection, and closes another one when there are too many.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Place {
        let taken = Arc::new(Notify::new());
        let network = network_of(peer);
        let mut open = self.lock();
        let number = open.next;
        open.next = open.next.wrapping_add(1);
        let connection = Connection {
            network,
            turn: Turn::Server,
            taken: Arc::clone(&taken),
        };
        open.by_number.insert(number, connection);
        // Connections that are closing still hold a socket but no place.
        if open.by_number.len().saturating_sub(open.over) > self.limits.total {
            open.close_longest_of_most();
        }
        report_closed(open);
        Place {
            connections: Arc::clone(self),
            number,
            taken,
            shutdown: self.shutdown.subscribe(),
        }
    }

    /// Asks every connection to end after the request in progress, and waits until every place is
    /// released.
    pub(crate) async fn shut_down(self: Arc<Self>) {
        self.shutdown.send_replace(());
        self.shutdown.closed().await;
    }

    fn turn(&self, number: u64, turn: impl FnOnce(Turn) -> Turn) {
        let mut open = self.lock();
        if let Some(network) = open.turn(number, turn) {
            open.close_longest_of(network, self.limits.per_address);
            report_closed(open);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // No code panics while it holds the lock, so a poisoned state is still consistent.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Changes what a connection waits for. Returns its network if the server now waits for the
    /// client.
    fn turn(&mut self, number: u64, turn: impl FnOnce(Turn) -> Turn) -> Option<IpAddr> {
        let connection = self.by_number.get_mut(&number)?;
        let (before, after) = (connection.turn, turn(connection.turn));
        if before == after {
            return None;
        }
        connection.turn = after;
        let network = connection.network;
        let waiting = self.waiting.entry(network).or_default();
        match before {
            Turn::Client(since) => waiting.for_clients.remove(&(since, number)),
            Turn::InLine(since) => waiting.in_line.remove(&(since, number)),
            Turn::Answering | Turn::Over | Turn::Server => false,
        };
        match after {
            Turn::Client(since) => waiting.for_clients.insert((since, number)),
            Turn::InLine(since) => waiting.in_line.insert((since, number)),
            Turn::Answering | Turn::Over | Turn::Server => false,
        };
        // Otherwise the map would grow with every address that ever connected.
        if waiting.count() == 0 {
            self.waiting.remove(&network);
        }
        matches!(after, Turn::Client(_)).then_some(network)
    }

    /// Closes the connection of this network that has kept the server waiting longest, if more than
    /// `most` of them wait for the client.
    fn close_longest_of(&mut self, network: IpAddr, most: usize) {
        let clients = self
            .waiting
            .get(&network)
            .map(|waiting| &waiting.for_clients);
        let too_many = clients.filter(|clients| clients.len() > most);
        self.close(too_many.and_then(|clients| clients.first().copied()));
    }

    /// Closes the longest-waiting connection of the network with the most waiting connections, so
    /// that a client with a single connection does not lose it to a client with many.
    fn close_longest_of_most(&mut self) {
        let longest_of_most = self
            .waiting
            .values()
            .filter_map(|waiting| Some((waiting.count(), Reverse(waiting.longest()?))))
            .max();
        self.close(longest_of_most.map(|(_, Reverse(longest))| longest));
    }

    fn close(&mut self, longest: Option<(Instant, u64)>) {
        let Some((_, number)) = longest else {
            return;
        };
        self.turn(number, |_| Turn::Over);
        if let Some(connection) = self.by_number.get(&number) {
            connection.taken.notify_one();
        }
        self.over = self.over.saturating_add(1);
        self.closed = self.closed.saturating_add(1);
    }

    fn leave(&mut self, number: u64) {
        let mut before = Turn::Over;
        self.turn(number, |turn| {
            before = turn;
            Turn::Over
        });
        self.by_number.remove(&number);
        if before == Turn::Over {
            self.over = self.over.saturating_sub(1);
        }
    }
}

/// Logs the number of closed connections, at most once per [`REPORT_EVERY`]. Releases the lock
/// before logging, so that a slow log does not block other connections.
fn report_closed(mut open: MutexGuard<'_, Open>) {
    let is_due = open
        .reported_at
        .is_none_or(|at| at.elapsed() >= REPORT_EVERY);
    if open.closed == 0 || !is_due {
        return;
    }
    let closed = std::mem::take(&mut open.closed);
    open.reported_at = Some(Instant::now());
    drop(open);
    tracing::warn!(closed, "slow connections closed to make room for others");
}

/// A connection's place, released on drop.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    taken: Arc<Notify>,
    shutdown: watch::Receiver<()>,
}

impl Place {
    /// Records that a read or write is blocked on the client. The wait starts now, unless the
    /// server was already waiting: a trickle of octets does not restart it.
    pub(crate) fn mark_waiting(&self) {
        self.turn(|before| match before {
            Turn::Server => Turn::Client(Instant::now()),
            Turn::Answering | Turn::Client(_) | Turn::InLine(_) | Turn::Over => before,
        });
    }

    /// Records that a complete request has arrived and is answered immediately.
    pub(crate) fn mark_answering(&self) {
        self.turn(|before| match before {
            Turn::Answering | Turn::Client(_) | Turn::InLine(_) | Turn::Server => Turn::Answering,
            Turn::Over => Turn::Over,
        });
    }

    /// Waits in the line of SCEP after a complete request has arrived.
    pub(crate) async fn wait_in_scep_line(&self) -> Permit {
        self.wait_in_line(self.connections.scep.wait()).await
    }

    /// Waits in the line of published documents after a complete request has arrived. The request
    /// may be answered while the returned permit is held.
    pub(crate) async fn wait_in_published_line(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so this never returns an error.
        let permit = self
            .wait_in_line(self.connections.published.acquire())
            .await;
        permit.ok()
    }

    async fn wait_in_line<T>(&self, line: impl Future<Output = T>) -> T {
        self.turn(|before| match before {
            Turn::Client(_) | Turn::Server => Turn::InLine(Instant::now()),
            Turn::Answering | Turn::InLine(_) | Turn::Over => before,
        });
        let permit = line.await;
        // Let newly arrived connections run first: reading their heads is quick, and some carry
        // requests that do not wait in line.
        tokio::task::yield_now().await;
        self.mark_answering();
        permit
    }

    /// Begins an answer, which runs to its end even if its connection ends before: a wrong
    /// challenge is counted, and an issuance completed, whatever becomes of the client. It keeps
    /// the place.
    pub(crate) fn begin_answer<T: Send + 'static>(
        self: Arc<Self>,
        answer: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        tokio::spawn(async move {
            let answered = answer.await;
            drop(self);
            answered
        })
    }

    /// Records that the request was answered.
    pub(crate) fn mark_answered(&self) {
        self.turn(|before| match before {
            Turn::Answering => Turn::Server,
            Turn::Client(_) | Turn::InLine(_) | Turn::Over | Turn::Server => before,
        });
    }

    /// Waits in the line of pipelined requests. The request may be answered while the returned
    /// permit is held. A client that sends many requests at once therefore does not delay clients
    /// that send one, and its connection may be closed for another while it waits.
    pub(crate) async fn wait_in_pipeline(&self) -> Option<SemaphorePermit<'_>> {
        self.mark_waiting();
        // The semaphore is never closed, so this never returns an error.
        self.connections.answered_ahead.acquire().await.ok()
    }

    fn turn(&self, turn: impl FnOnce(Turn) -> Turn) {
        self.connections.turn(self.number, turn);
    }

    /// Completes when the server shuts down.
    pub(crate) async fn wait_for_shutdown(&self) {
        // The place holds the sender, so this never returns an error.
        let _ = self.shutdown.clone().changed().await;
    }

    /// Completes when the connection must be closed to make room for another.
    pub(crate) async fn wait_until_taken(&self) {
        self.taken.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().leave(self.number);
    }
}

/// The address under which a peer is counted: its IPv4 address or its IPv6 network.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(address & NETWORK),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::line::MAX_COMPUTED;

    const LIMITS: Limits = Limits {
        total: 6,
        per_address: 3,
    };

    fn is_taken(place: &Place) -> bool {
        let open = place.connections.lock();
        open.by_number[&place.number].turn == Turn::Over
    }

    fn entered(connections: &Arc<Connections>, peer: &str) -> Place {
        connections.enter(peer.parse().unwrap())
    }

    async fn waiting(connections: &Arc<Connections>, peer: &str) -> Place {
        let place = entered(connections, peer);
        place.mark_waiting();
        tokio::time::advance(Duration::from_secs(1)).await;
        place
    }

    fn taken(places: &[Place]) -> Vec<bool> {
        places.iter().map(is_taken).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_waited_for_of_an_address_goes_first() {
        let connections = Connections::new(LIMITS);
        let mut places = Vec::new();
        for _ in 0..4 {
            places.push(waiting(&connections, "192.0.2.1").await);
        }
        assert_eq!(taken(&places), [true, false, false, false]);
        places[0].wait_until_taken().await;
        // A connection that trickles keeps its start time; one that was answered starts over.
        places[1].mark_waiting();
        places[2].mark_answering();
        places[2].mark_answered();
        places[2].mark_waiting();
        places.push(waiting(&connections, "192.0.2.1").await);
        assert_eq!(taken(&places), [true, true, false, false, false]);
        // Another address is not affected.
        let other = waiting(&connections, "192.0.2.2").await;
        assert!(!is_taken(&other));
        assert_eq!(taken(&places[2..]), [false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_being_answered_does_not_count_and_is_not_closed() {
        let connections = Connections::new(LIMITS);
        let mut places = Vec::new();
        for _ in 0..4 {
            let place = waiting(&connections, "192.0.2.1").await;
            place.mark_answering();
            places.push(place);
        }
        assert_eq!(taken(&places), [false; 4]);
        for place in &places {
            place.mark_answered();
            place.mark_waiting();
        }
        assert_eq!(places.iter().filter(|place| is_taken(place)).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_in_line_may_be_closed_and_then_is_answered() {
        let connections = Connections::new(LIMITS);
        let mut places = Vec::new();
        let mut answering = tokio::task::JoinSet::new();
        for _ in 0..MAX_COMPUTED + 2 {
            let place = Arc::new(entered(&connections, "192.0.2.1"));
            places.push(Arc::clone(&place));
            answering.spawn(async move {
                let permit = place.wait_in_scep_line().await;
                permit.answer(std::future::pending::<()>()).await;
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let new = entered(&connections, "192.0.2.2");
        assert!(!is_taken(&new));
        // Connections whose requests are being answered stay open, no matter how many there are.
        for (number, place) in places.iter().enumerate() {
            assert_eq!(is_taken(place), number >= MAX_COMPUTED, "{number}");
        }
        // They do not hold up who asks for a CRL.
        let published = new.wait_in_published_line();
        assert!(timeout(Duration::from_secs(1), published).await.is_ok());
        answering.abort_all();
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_places_are_taken_the_address_with_most_gives_one_up() {
        let connections = Connections::new(LIMITS);
        let single = waiting(&connections, "198.51.100.7").await;
        let mut places = Vec::new();
        for peer in ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            places.push(waiting(&connections, peer).await);
        }
        places.push(waiting(&connections, "192.0.2.1").await);
        let new = entered(&connections, "203.0.113.9");
        assert_eq!(taken(&places), [true, false, false, false, false]);
        assert!(!is_taken(&single) && !is_taken(&new));
        // A released place is free again.
        drop(places);
        assert_eq!(connections.lock().by_number.len(), 2);
    }

    #[test]
    fn an_address_of_ipv6_is_its_64() {
        let check = |one: &str, other: &str, same: bool| {
            let one = network_of(one.parse().unwrap());
            assert_eq!(one == network_of(other.parse().unwrap()), same, "{other}");
        };
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
    }
}
