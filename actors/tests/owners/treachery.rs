//! A shard that dies, or a store that goes silent, after the commit and before the answer: what
//! became of the order is then unknown to the caller, and asking again must be safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actors::sessions::{Sessions, sessions};
use actors::supervision::Tree;
use domain::event::{Entry, EventKind};
use domain::id::{FamilyId, TenantId, UserId};
use domain::rejection::Fault;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use store::contract::fixture::at;
use store::port::Pending;
use store::port::sessions as port;
use store::port::sessions::{
    EndedFamilies, EndedSessions, Ending, Granted, NewSession, Redeemed, Redemption, Rotation,
    Turn, Withdrawal,
};

use crate::house::{House, SOON, in_time, raise, within};

/// What goes wrong after the commit.
#[derive(Clone, Copy)]
enum Treachery {
    Panic,
    Silence,
}

/// A store that commits and then betrays, once.
struct Treacherous {
    inner: Arc<dyn port::Sessions>,
    how: Treachery,
    left: AtomicU32,
}

impl port::Sessions for Treacherous {
    fn begin_session(&self, new: NewSession) -> Pending<'_, Option<EndedSessions>> {
        self.inner.begin_session(new)
    }

    fn step_up_session(&self, step: port::StepUp) -> Pending<'_, bool> {
        self.inner.step_up_session(step)
    }

    fn rotate_refresh(&self, turn: Turn) -> Pending<'_, Rotation> {
        Box::pin(async move {
            let rotation = self.inner.rotate_refresh(turn).await?;
            if self.left.swap(0, Ordering::SeqCst) == 0 {
                return Ok(rotation);
            }
            match self.how {
                Treachery::Panic => panic!("after the commit"),
                Treachery::Silence => Err(Fault::Store("the connection broke".to_owned())),
            }
        })
    }

    fn redeem_code(&self, redemption: Redemption) -> Pending<'_, Redeemed> {
        self.inner.redeem_code(redemption)
    }

    fn end_sessions(&self, ending: Ending) -> Pending<'_, EndedSessions> {
        self.inner.end_sessions(ending)
    }

    fn withdraw_consent(&self, withdrawal: Withdrawal) -> Pending<'_, Option<EndedFamilies>> {
        self.inner.withdraw_consent(withdrawal)
    }

    fn revoke_access(
        &self,
        tenant: TenantId,
        jti: String,
        expires_at: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, ()> {
        self.inner.revoke_access(tenant, jti, expires_at, entry)
    }

    fn load_family_client(
        &self,
        tenant: TenantId,
        family: FamilyId,
    ) -> Pending<'_, Option<String>> {
        self.inner.load_family_client(tenant, family)
    }

    fn load_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
    ) -> Pending<'_, Option<Granted>> {
        self.inner.load_family(tenant, family, client)
    }

    fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
    ) -> Pending<'_, Vec<Session>> {
        self.inner.list_sessions(tenant, user, now)
    }
}

struct Betrayed {
    house: House,
    sessions: Sessions,
    family: Family,
    tree: Tree,
}

impl Betrayed {
    async fn new(how: Treachery) -> Self {
        let house = House::new().await;
        let store = Arc::new(Treacherous {
            inner: house.ports.sessions.clone(),
            how,
            left: AtomicU32::new(1),
        });
        let (sessions, specs) = sessions(store, false);
        let tree = raise(specs).await;
        let user = house.world.register("ada@example.org").await;
        let (_, family) = house.world.sign_in(user.id).await;
        Self {
            house,
            sessions,
            family,
            tree,
        }
    }

    async fn present(&self) -> Result<u32, Fault> {
        let turn = self.house.world.turn(&self.family, 1, at(1));
        match self.sessions.rotate(turn, in_time()).await? {
            Rotation::Granted(granted) => Ok(granted.family.generation),
            other => panic!("not granted: {other:?}"),
        }
    }

    async fn gets_its_successor_once(&self) {
        assert_eq!(self.present().await, Ok(2));
        let refreshed = self.house.world.count_events(EventKind::TokenRefreshed);
        assert_eq!(refreshed.await, 1, "the family advanced once");
        let is_healthy = || async { self.tree.is_healthy() };
        within(SOON, "all shards are up", is_healthy).await;
    }
}

#[tokio::test]
async fn a_token_presented_to_a_shard_that_died_after_the_commit_gets_its_successor_again() {
    let betrayed = Betrayed::new(Treachery::Panic).await;
    let lost = betrayed.present().await;
    assert_eq!(lost, Err(Fault::Restarting("sessions")));
    betrayed.gets_its_successor_once().await;
}

#[tokio::test]
async fn a_store_fault_is_the_callers_answer_and_no_crash() {
    let betrayed = Betrayed::new(Treachery::Silence).await;
    assert!(matches!(betrayed.present().await, Err(Fault::Store(_))));
    assert!(betrayed.tree.is_healthy());
    betrayed.gets_its_successor_once().await;
}
