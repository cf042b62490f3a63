//! Orders of keys: each generated key of an authority is put to use, whatever is interrupted.

use ca::authority::{Authority, CaGeneration, Certification};
use ca::generation::Generation;
use ca::key_location::KeyLocation;
use ca::key_order::{FirstGeneration, KeyOrder, MadeKey};
use ca::server_certificate::CaSubject;
use ca::stored_octets::StoredOctets;
use time::Duration;

use crate::admin::Administration;
use crate::admin::authority::kind_of;
use crate::admin::invalid::{AdminError, Invalid};
use crate::audit::AuditAction;
use crate::error::{Failure, KeyError};
use crate::error_chain::ErrorChain;
use crate::object::{Versioned, find, list, read};
use crate::ports::GeneratedKey;

/// How long one process has an order for itself.
// A key store may take 20 s to make a key. If another process looked for the key before that, it
// would not find it, and make a second one.
const HOLD: Duration = Duration::seconds(30);

/// An order that this process holds.
struct HeldOrder {
    order: Versioned<KeyOrder>,
    /// Whether an earlier attempt may have made the key.
    is_taken_over: bool,
}

impl Administration {
    /// Orders a key, has it made, and puts it to use. If an earlier attempt has left an order for
    /// an authority of this name, its key is used for what is wanted now.
    pub(super) async fn fulfil_order(
        &self,
        wanted: KeyOrder,
    ) -> Result<Versioned<Authority>, AdminError> {
        let held = self.hold_order(wanted).await?;
        let found = match held.is_taken_over {
            true => self.find_key(&held.order.object).await,
            false => Ok(None),
        };
        let order = match found {
            Ok(Some(key)) => self.note_key(held.order, key).await?,
            Ok(None) => self.make_key(held.order).await?,
            Err(failure) => return Err(self.suspend(held.order, failure.into()).await),
        };
        self.carry_out(order).await
    }

    /// Puts the key of each order to use whose process has ended, and drops orders whose key was
    /// not made. A failure is logged and does not stop the rest.
    ///
    /// # Errors
    /// Fails with the last of the failures.
    pub(crate) async fn finish_key_orders(&self) -> Result<(), AdminError> {
        let mut last_failure = Ok(());
        for listed in list::<KeyOrder>(&*self.store).await? {
            let authority = &listed.object.name;
            if let Err(error) = self.finish_key_order(&listed.object).await {
                tracing::error!(%authority, error = %ErrorChain(&error), "could not use an ordered key");
                last_failure = Err(error);
            }
        }
        last_failure
    }

    /// Ends the holds of earlier processes on orders, which ended with these processes.
    ///
    /// # Errors
    /// Returns [`AdminError::Failed`] for failures of the server.
    pub async fn release_key_orders(&self) -> Result<(), AdminError> {
        for order in list::<KeyOrder>(&*self.store).await? {
            self.change_order(order, |order| order.held_until = None)
                .await?;
        }
        Ok(())
    }

    async fn finish_key_order(&self, listed: &KeyOrder) -> Result<(), AdminError> {
        // The list may lag behind.
        let Some(order) = read::<KeyOrder>(&*self.store, listed.uuid).await? else {
            return Ok(());
        };
        if self.is_held(&order.object) {
            return Ok(());
        }
        if self.is_fulfilled(&order.object).await? {
            return self.drop_order(order).await;
        }
        let held = match self.take_over(order, None).await {
            // Another process takes it over at the same time.
            Err(AdminError::Conflict) => return Ok(()),
            taken => taken?,
        };
        let Some(key) = self.find_key(&held.object).await? else {
            tracing::info!(authority = %held.object.name, "dropped the order of a key that was not made");
            return self.drop_order(held).await;
        };
        let order = self.note_key(held, key).await?;
        let name = order.object.name.clone();
        self.carry_out(order).await?;
        tracing::info!(authority = %name, "used a key that an interrupted attempt had left");
        Ok(())
    }

    /// Takes over the order for an authority of the wanted name, or places one.
    async fn hold_order(&self, mut wanted: KeyOrder) -> Result<HeldOrder, AdminError> {
        if let Some(found) = find::<KeyOrder>(&*self.store, &wanted.name).await? {
            if self.is_held(&found.object) {
                return Err(Failure::Busy.into());
            }
            if !self.is_fulfilled(&found.object).await? {
                if found.object.key_algorithm != wanted.key_algorithm {
                    return Err(Invalid::KeyOrdered(found.object.key_algorithm).into());
                }
                let order = self.take_over(found, Some(wanted)).await?;
                return Ok(HeldOrder {
                    order,
                    is_taken_over: true,
                });
            }
            self.drop_order(found).await?;
        }
        wanted.held_until = Some(self.hold_end());
        match self.create_by(wanted, AuditAction::OrderKey).await {
            // Another process has placed one at the same time.
            Err(AdminError::NameTaken(_)) => Err(Failure::Busy.into()),
            placed => placed.map(|order| HeldOrder {
                order,
                is_taken_over: false,
            }),
        }
    }

    /// Holds an order that nobody holds, for what is wanted now.
    async fn take_over(
        &self,
        order: Versioned<KeyOrder>,
        wanted: Option<KeyOrder>,
    ) -> Result<Versioned<KeyOrder>, AdminError> {
        let held_until = Some(self.hold_end());
        self.change_order(order, |order| {
            if let Some(wanted) = wanted {
                *order = KeyOrder {
                    uuid: order.uuid,
                    key: order.key.take(),
                    ..wanted
                };
            }
            order.held_until = held_until;
        })
        .await
    }

    /// Finds the key that an earlier attempt has made for an order.
    async fn find_key(&self, order: &KeyOrder) -> Result<Option<GeneratedKey>, Failure> {
        match &order.key {
            Some(made) => Ok(Some(to_generated_key(made))),
            None => Ok(self.ca_keys.find(order.uuid, order.key_algorithm).await?),
        }
    }

    /// Makes the key of a held order.
    async fn make_key(
        &self,
        order: Versioned<KeyOrder>,
    ) -> Result<Versioned<KeyOrder>, AdminError> {
        let KeyOrder {
            uuid,
            key_algorithm,
            name,
            ..
        } = &order.object;
        // The order stays held after a failure: the key may be made even so, but be found later.
        let key = self
            .ca_keys
            .generate(*uuid, name, *key_algorithm)
            .await
            .map_err(|error| explain_rest(None, error.into()))?;
        self.note_key(order, key).await
    }

    /// Stores in a held order that its key is made.
    async fn note_key(
        &self,
        order: Versioned<KeyOrder>,
        key: GeneratedKey,
    ) -> Result<Versioned<KeyOrder>, AdminError> {
        let location = key.location.clone();
        let made = MadeKey {
            location: key.location,
            subject_public_key_info: StoredOctets::new(key.subject_public_key_info),
        };
        self.change_order(order, |order| order.key = Some(made))
            .await
            .map_err(|error| {
                tracing::warn!(key = %location, "could not store that a key was made");
                explain_rest(Some(location), error)
            })
    }

    /// Puts the key of a held order to use, and drops the order.
    async fn carry_out(
        &self,
        order: Versioned<KeyOrder>,
    ) -> Result<Versioned<Authority>, AdminError> {
        let Some(made) = &order.object.key else {
            return Err(Failure::Busy.into());
        };
        let key = to_generated_key(made);
        let used = self.use_key(&order.object, &key).await;
        match used {
            Ok(authority) => {
                // Maintenance drops what remains.
                if let Err(error) = self.drop_order(order).await {
                    tracing::warn!(error = %ErrorChain(&error), "could not drop a finished order of a key");
                }
                Ok(authority)
            }
            // Nothing can make these keys useful: another authority has the name, or no authority.
            Err(error @ (AdminError::NameTaken(_) | AdminError::NotFound(_))) => {
                warn_orphaned_key(&key.location);
                self.drop_order(order).await?;
                Err(error)
            }
            // Otherwise every later attempt, and every maintenance, would fail with the same key.
            Err(error @ AdminError::Failed(Failure::Key(KeyError::Gone { .. }))) => {
                tracing::warn!(key = %key.location, "dropped the order of a key that is gone");
                self.drop_order(order).await?;
                Err(error)
            }
            Err(error) => Err(self.suspend(order, error).await),
        }
    }

    /// Has a key certified for the generation that it was ordered or adopted for.
    pub(super) async fn use_key(
        &self,
        order: &KeyOrder,
        key: &GeneratedKey,
    ) -> Result<Versioned<Authority>, AdminError> {
        match &order.first {
            Some(first) => self.create_with_key(order, first, key).await,
            None => self.add_next_generation(order, key).await,
        }
    }

    /// Creates an authority with its first key.
    async fn create_with_key(
        &self,
        order: &KeyOrder,
        first: &FirstGeneration,
        key: &GeneratedKey,
    ) -> Result<Versioned<Authority>, AdminError> {
        let subject = CaSubject::new(&first.subject).map_err(|_| Invalid::Subject)?;
        let certification = self.certify_key(order, key, first.kind, &subject).await?;
        let authority = Authority {
            uuid: order.authority,
            name: order.name.clone(),
            description: first.description.clone(),
            current: build_generation(order, key, certification),
            next: None,
            previous: Vec::new(),
        };
        let created = self.create_by(authority, AuditAction::Create).await?;
        // The authority exists even if its first CRL could not be published: maintenance retries
        // that.
        self.reconcile_best_effort(order.authority).await;
        Ok(created)
    }

    /// Adds the next generation to an authority.
    async fn add_next_generation(
        &self,
        order: &KeyOrder,
        key: &GeneratedKey,
    ) -> Result<Versioned<Authority>, AdminError> {
        let before: Versioned<Authority> = self.get(order.authority).await?;
        // Another rollover has begun.
        if before.object.next.is_some() || before.object.current.number.next() != order.generation {
            return Err(AdminError::Conflict);
        }
        let current = &before.object.current;
        let path = current.path().ok_or(Invalid::AuthorityNotActive)?;
        let subject = CaSubject::of(&path.certificate);
        let kind = kind_of(&current.certification);
        let certification = self.certify_key(order, key, kind, &subject).await?;
        let mut after = before.object.clone();
        after.next = Some(build_generation(order, key, certification));
        self.replace(before, after, AuditAction::Rollover).await
    }

    /// Releases an order after a failure, so that the next attempt can continue at once. Returns
    /// the failure, with what it leaves behind.
    async fn suspend(&self, order: Versioned<KeyOrder>, error: AdminError) -> AdminError {
        let key = order.object.key.as_ref().map(|made| made.location.clone());
        let released = self
            .change_order(order, |order| order.held_until = None)
            .await;
        // Otherwise the hold ends by itself.
        if let Err(error) = released {
            tracing::warn!(error = %ErrorChain(&error), "could not release the order of a key");
        }
        explain_rest(key, error)
    }

    async fn change_order(
        &self,
        before: Versioned<KeyOrder>,
        change: impl FnOnce(&mut KeyOrder),
    ) -> Result<Versioned<KeyOrder>, AdminError> {
        let mut after = before.object.clone();
        change(&mut after);
        self.replace(before, after, AuditAction::OrderKey).await
    }

    /// Deletes an order whose key is used, or was not made, or cannot be used.
    async fn drop_order(&self, order: Versioned<KeyOrder>) -> Result<(), AdminError> {
        self.delete_by(order, AuditAction::OrderKey).await
    }

    /// Whether the authority has the generation that a key was ordered for.
    async fn is_fulfilled(&self, order: &KeyOrder) -> Result<bool, AdminError> {
        let Some(authority) = read::<Authority>(&*self.store, order.authority).await? else {
            return Ok(false);
        };
        let Some(generation) = find_generation(&authority.object, order.generation) else {
            return Ok(false);
        };
        if let Some(made) = &order.key
            && made.location != generation.key
        {
            warn_orphaned_key(&made.location);
        }
        Ok(true)
    }

    fn is_held(&self, order: &KeyOrder) -> bool {
        let now = self.clock.now().unix_timestamp();
        order.held_until.is_some_and(|until| now < until)
    }

    /// The end of a hold that begins now, in seconds since 1970.
    fn hold_end(&self) -> i64 {
        (self.clock.now() + HOLD).unix_timestamp()
    }
}

/// Warns about a key that was created but is not used by any authority.
// The key is only logged: no port deletes keys.
fn warn_orphaned_key(key: &KeyLocation) {
    tracing::warn!(
        %key,
        "the key belongs to no authority: adopt it, or delete it"
    );
}

/// Adds to a failure which key it leaves behind, if that is known, and that the next attempt
/// continues.
fn explain_rest(key: Option<KeyLocation>, error: AdminError) -> AdminError {
    match error {
        AdminError::Failed(failure) => AdminError::Failed(Failure::Unfinished {
            key,
            source: Box::new(failure),
        }),
        AdminError::Conflict
        | AdminError::Invalid(_)
        | AdminError::NameTaken(_)
        | AdminError::NotFound(_)
        | AdminError::VersionMissing => error,
    }
}

fn to_generated_key(made: &MadeKey) -> GeneratedKey {
    GeneratedKey {
        location: made.location.clone(),
        subject_public_key_info: made.subject_public_key_info.as_bytes().to_vec(),
    }
}

fn build_generation(
    order: &KeyOrder,
    key: &GeneratedKey,
    certification: Certification,
) -> CaGeneration {
    CaGeneration {
        number: order.generation,
        key_algorithm: order.key_algorithm,
        key: key.location.clone(),
        certification,
    }
}

fn find_generation(authority: &Authority, number: Generation) -> Option<&CaGeneration> {
    authority
        .generations()
        .find(|generation| generation.number == number)
}
