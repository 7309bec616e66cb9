//! One shard of the attempts owner: the shell around the lanes and the store's judgement.

use std::sync::Arc;
use std::time::Duration;

use domain::attempt::{AttemptClaim, AttemptKeys, AttemptPolicy, AttemptVerdict};
use domain::rejection::Fault;
use store::port::attempts::Attempts;

use super::lanes::{Admission, Lanes};
use super::message::{Account, Message, Waiter};
use super::{Claimed, Refused, Ticket};
use crate::handle::Handle;
use crate::patience::patiently;
use crate::supervision::Owner;

/// How far requests may be out of order, and clocks apart.
const SKEW: Duration = Duration::from_millis(100);

/// Handles one message about its share of the accounts after the other. It awaits the store, never
/// a hash.
pub(super) struct Shard {
    store: Arc<dyn Attempts>,
    policy: AttemptPolicy,
    lanes: Lanes<Account, Waiter>,
    /// The way back to this shard, for its tickets.
    handle: Handle<Message>,
}

// === impl Shard ===

impl Owner for Shard {
    type Message = Message;

    /// How soon a place is free again although the word of it was lost.
    const TICK: Option<Duration> = Some(Duration::from_millis(500));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Claim { account, waiter } => self.claim(account, waiter).await,
            Message::Advance { account } => self.advance(account).await,
            Message::Strand { account, fault } => self.strand(account, &fault).await,
            Message::Fail { entry, reply } => {
                reply.send(patiently(self.store.record_failure(*entry)).await);
            }
            Message::Refund { account, reply } => {
                let verb = self.store.refund_attempt(account.tenant, account.key);
                reply.send(patiently(verb).await);
            }
            Message::Clear {
                tenant,
                keys,
                reply,
            } => {
                let verb = self.store.clear_attempts(tenant, keys);
                reply.send(patiently(verb).await);
            }
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        for account in self.lanes.sweep(Waiter::is_gone) {
            self.call_next(account);
        }
        Ok(())
    }
}

impl Shard {
    pub(super) fn new(
        store: Arc<dyn Attempts>,
        policy: AttemptPolicy,
        handle: Handle<Message>,
    ) -> Self {
        Self {
            store,
            policy,
            lanes: Lanes::new(policy.delay_after),
            handle,
        }
    }

    async fn claim(&mut self, account: Account, waiter: Waiter) {
        match self.lanes.admit(account, waiter) {
            // It waits for a place, not for the store.
            Admission::Waiting => self.lanes.last(account).map_or((), |w| w.reply.take_time()),
            Admission::Full(waiter) => waiter.reply.send(Err(Fault::Busy("attempts"))),
            Admission::Now(waiter) => {
                if self.serve(account, waiter).await.is_ok() {
                    self.call_next(account);
                }
            }
        }
    }

    /// Lets in whoever may go next, and one only: the others' turn is a message of its own, so that
    /// a long line behind a slow store holds up no other account.
    async fn advance(&mut self, account: Account) {
        if let Some(waiter) = self.lanes.next(account)
            && self.serve(account, waiter).await.is_ok()
        {
            self.call_next(account);
        }
    }

    /// Sees to it that whoever waits is looked at. If that cannot be posted, the next tick does.
    fn call_next(&self, account: Account) {
        if self.lanes.last(account).is_some() {
            let _ = self.handle.tell(Message::Advance { account });
        }
    }

    async fn strand(&mut self, account: Account, fault: &Fault) {
        for behind in self.lanes.dismiss(account) {
            behind.reply.send(Err(fault.clone()));
        }
        let verb = self.store.refund_attempt(account.tenant, account.key);
        if let Err(fault) = patiently(verb).await {
            tracing::warn!(%fault, "a sign-in attempt could not be refunded");
        }
    }

    /// Has the store judge one attempt and answers. Fails when the store does, and has answered
    /// that too.
    async fn serve(&mut self, account: Account, waiter: Waiter) -> Result<(), Fault> {
        if waiter.is_gone() {
            return Ok(());
        }
        let judged = self.judge(account, &waiter);
        let answer = match patiently(Box::pin(judged)).await {
            Ok(AttemptVerdict::Granted { failures }) => {
                let place = self.lanes.grant(account, failures);
                let ticket = Ticket::new(place, account, self.handle.clone());
                waiter.reply.send(Ok(Claimed::Granted(ticket)));
                return Ok(());
            }
            Ok(AttemptVerdict::Delayed { until }) => Ok(Refused::Delayed(until)),
            Ok(AttemptVerdict::Disabled) => Ok(Refused::Disabled),
            Err(fault) => Err(fault),
        };
        // Whoever waits behind would be told the same.
        for behind in self.lanes.dismiss(account) {
            behind.reply.send(answer.clone().map(Claimed::from));
        }
        waiter.reply.send(answer.clone().map(Claimed::from));
        answer.map(drop)
    }

    /// Has the store judge an attempt made now.
    ///
    /// Requests do not come in by the order of their instants, and the clocks of nodes differ. So a
    /// wait far below the shortest delay of the policy (1 s) is no haste: the attempt is judged as
    /// of its end.
    async fn judge(&self, account: Account, waiter: &Waiter) -> Result<AttemptVerdict, Fault> {
        let now = waiter.present();
        let keys = AttemptKeys {
            newest: account.key,
            older: waiter.older.clone(),
        };
        let claim = AttemptClaim {
            tenant: account.tenant,
            keys,
            now,
            policy: self.policy,
        };
        match self.store.claim_attempt(claim.clone()).await? {
            AttemptVerdict::Delayed { until } if until.since(now) <= SKEW => {
                let claim = AttemptClaim {
                    now: until,
                    ..claim
                };
                self.store.claim_attempt(claim).await
            }
            verdict => Ok(verdict),
        }
    }
}
