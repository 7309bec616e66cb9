//! One shard of the sessions owner: the shell around the store's verbs, the denylist and the hot
//! copies.

use std::sync::Arc;

use domain::id::SessionId;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use store::port::sessions::{
    EndedFamilies, EndedSessions, Ending, NewSession, Redeemed, Redemption, Rotation, Sessions,
    StepUp, Turn, Withdrawal,
};

use super::hot::Hot;
use super::message::{Message, Revocation};
use crate::denylist::Denylist;
use crate::patience::patiently;
use crate::supervision::Owner;

/// Handles one message about its share of the families after the other.
pub(super) struct Shard {
    pub(super) store: Arc<dyn Sessions>,
    pub(super) denylist: Denylist,
    pub(super) hot: Hot,
}

// === impl Shard ===

impl Owner for Shard {
    type Message = Message;

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Begin { new, reply } => reply.send(self.begin(*new).await),
            Message::StepUp { step, reply } => reply.send(self.step_up(*step).await),
            Message::Rotate { turn, reply } => reply.send(self.rotate(*turn).await),
            Message::Redeem { redemption, reply } => reply.send(self.redeem(*redemption).await),
            Message::End { ending, reply } => reply.send(self.end(*ending).await),
            Message::Withdraw { withdrawal, reply } => {
                reply.send(self.withdraw(*withdrawal).await);
            }
            Message::RevokeAccess { order, reply } => reply.send(self.revoke(*order).await),
        }
        Ok(())
    }
}

impl Shard {
    async fn begin(&self, new: NewSession) -> Result<bool, Fault> {
        let remember_until = new.remember_until;
        let displaced = patiently(self.store.begin_session(new)).await?;
        self.refuse(displaced.as_deref().unwrap_or_default(), remember_until);
        Ok(displaced.is_some())
    }

    async fn step_up(&self, step: StepUp) -> Result<bool, Fault> {
        let session = step.session;
        let grown = patiently(self.store.step_up_session(step)).await;
        // Copies of its families say how it was proved before; whether that still holds is not known
        // either where the store did not answer.
        self.hot.lock().forget_sessions(&[session]);
        grown
    }

    async fn rotate(&self, turn: Turn) -> Result<Rotation, Fault> {
        // From here to the store's answer there is no copy: if it fails or this shard dies, what
        // became of the family is unknown, and the next presentation asks the store.
        let asked = self.hot.lock().answer(&turn);
        let epoch = match asked {
            Ok(repeat) => return Ok(Rotation::Granted(Box::new(repeat))),
            Err(epoch) => epoch,
        };
        let (window, remember_until) = (turn.window, turn.remember_until);
        let rotation = patiently(self.store.rotate_refresh(turn)).await?;
        match &rotation {
            Rotation::Granted(granted) => self.hot.lock().keep(epoch, granted, window),
            Rotation::Reused(session) => self.refuse(&[*session], remember_until),
            Rotation::Ended | Rotation::Unknown => {}
        }
        Ok(rotation)
    }

    async fn redeem(&self, redemption: Redemption) -> Result<Redeemed, Fault> {
        let remember_until = redemption.remember_until;
        let redeemed = patiently(self.store.redeem_code(redemption)).await?;
        if let Redeemed::Replayed(replay) = &redeemed {
            self.refuse(&replay.ended, remember_until);
            if let Some((jti, expires_at)) = &replay.access {
                self.denylist.refuse_token(jti, *expires_at);
            }
        }
        Ok(redeemed)
    }

    async fn end(&self, ending: Ending) -> Result<EndedSessions, Fault> {
        let remember_until = ending.remember_until;
        let ended = patiently(self.store.end_sessions(ending)).await?;
        self.refuse(&ended, remember_until);
        Ok(ended)
    }

    async fn withdraw(&self, withdrawal: Withdrawal) -> Result<Option<EndedFamilies>, Fault> {
        let remember_until = withdrawal.remember_until;
        let ended = patiently(self.store.withdraw_consent(withdrawal)).await?;
        let families = ended.as_deref().unwrap_or_default();
        self.denylist.refuse_grants(families, remember_until);
        self.hot.lock().forget_families(families);
        Ok(ended)
    }

    async fn revoke(&self, order: Revocation) -> Result<(), Fault> {
        let (jti, expires_at) = (order.jti.clone(), order.expires_at);
        let verb = self
            .store
            .revoke_access(order.tenant, order.jti, expires_at, order.entry);
        patiently(verb).await?;
        self.denylist.refuse_token(&jti, expires_at);
        Ok(())
    }

    fn refuse(&self, ended: &[SessionId], until: UnixMillis) {
        self.denylist.refuse_sessions(ended, until);
        self.hot.lock().forget_sessions(ended);
    }
}
