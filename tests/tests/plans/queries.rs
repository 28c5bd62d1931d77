//! The queries whose number grows with users, contacts and time, as they stand in the code, with values to plan with.

use shared::records::Value;

/// A query and values for its parameters.
pub struct Query {
    /// Its text; one `(?..)` stands for a list.
    pub text: &'static str,
    /// How many values the list has.
    pub listed: usize,
    /// A value for each parameter.
    pub values: fn() -> Vec<Value<'static>>,
    /// It is put together from parts, so the code does not hold this text in one piece.
    pub assembled: bool,
    /// It is asked so seldom that it may read everything.
    pub may_scan: bool,
    /// The table, as the query calls it, that it must find by the primary key: by any other it would read what belongs to
    /// others of its kind, again for each of them.
    pub by_primary_key: Option<&'static str>,
}

const fn query(text: &'static str, values: fn() -> Vec<Value<'static>>) -> Query {
    Query { text, listed: 0, values, assembled: false, may_scan: false, by_primary_key: None }
}

const fn list(text: &'static str, listed: usize, values: fn() -> Vec<Value<'static>>) -> Query {
    Query { listed, ..query(text, values) }
}

const fn assembled(query: Query) -> Query {
    Query { assembled: true, ..query }
}

const fn by_primary_key(table: &'static str, query: Query) -> Query {
    Query { by_primary_key: Some(table), ..query }
}

/// A batch's waiting reminders, as one would ask who looks at the index of their times first.
pub const WAITING_BY_TIME: Query = by_primary_key(
    "w",
    query(
        "SELECT i.id FROM waiting_reminders w JOIN invitations i ON i.id = w.invitation_id \
         WHERE w.due_at > ? AND w.due_at <= ? AND w.batch_id = ? ORDER BY i.id",
        || after(an_hour(), vec![id()]),
    ),
);

fn id() -> Value<'static> {
    77_i64.into()
}

fn ids(count: usize) -> Vec<Value<'static>> {
    (0..count).map(|n| (100 + n).into()).collect()
}

/// The invitations of thirty batches, as a run has them.
fn a_range() -> Vec<Value<'static>> {
    vec![(77_i64 * 65_536).into(), (107_i64 * 65_536).into()]
}

/// A hackathon and a criterion.
fn series() -> Vec<Value<'static>> {
    vec!["7".into(), "BUDGET_TRACKING".into()]
}

/// An hour in which a tenth of all was sent, or comes due.
fn an_hour() -> Vec<Value<'static>> {
    let moment = |seconds: i64| chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    vec![moment(3_000).into(), moment(3_300).into()]
}

fn after(mut first: Vec<Value<'static>>, rest: Vec<Value<'static>>) -> Vec<Value<'static>> {
    first.extend(rest);
    first
}

/// The queries.
pub const QUERIES: &[Query] = &[
    // The planner's.
    query(
        "SELECT u.id, (SELECT COUNT(*) FROM contacts c WHERE c.user_id = u.id AND c.id <= ?) FROM users u \
         WHERE u.id > ? AND u.id <= ? AND u.active = 1 AND u.send_day <= ? AND u.send_day > ? \
         AND NOT EXISTS (SELECT 1 FROM cycle_members m WHERE m.month = ? AND m.user_id = u.id) \
         ORDER BY u.id LIMIT ?",
        || [9_000, 500, 3_000, 5, 0, 202_611, 50].map(|number: i64| number.into()).into(),
    ),
    assembled(query("SELECT COALESCE(MAX(id), 0) FROM users", Vec::new)),
    assembled(query("SELECT COALESCE(MAX(id), 0) FROM contacts", Vec::new)),
    query(
        "SELECT parameters FROM runs WHERE job = ? AND run_key >= ? AND run_key < ? AND parent_id = 0 \
         AND (state = 'cancelled' OR (state = 'open' AND control <> 'run')) ORDER BY run_key DESC LIMIT 1",
        || vec!["monthly-invitations".into(), "key 7".into(), "key 70".into()],
    ),
    assembled(query(
        "SELECT id FROM runs WHERE job = ? AND run_key >= ? AND run_key < ? AND parent_id = 0 \
         AND (run_key = ? OR state <> 'cancelled') ORDER BY run_key LIMIT 1",
        || vec!["monthly-invitations".into(), "key 7".into(), "key 70".into(), "key 7".into()],
    )),
    query(
        "SELECT b.id, {now}, r.trace FROM batches b JOIN runs r ON r.id = b.run_id AND r.control = 'run' \
         AND r.state = 'open' WHERE b.run_id = ? AND b.state IN ('planned', 'open') AND b.queued = 0 \
         AND b.not_before < {now} ORDER BY b.id LIMIT ?",
        || vec![id(), 80_i64.into()],
    ),
    list("UPDATE batches SET queued = 1, not_before = {now} WHERE not_before < ? AND id IN (?..)", 80, || {
        after(vec![shared::records::never().into()], ids(80))
    }),
    query(
        "SELECT id FROM batches WHERE state IN ('planned', 'open') AND queued = 1 AND not_before < {now+?} \
         ORDER BY not_before LIMIT ?",
        || vec![(-86_400_000_000_i64).into(), 80_i64.into()],
    ),
    // The worker's, for each batch.
    query(
        "SELECT b.id, b.run_id, b.subjects, b.planned, b.state, b.cursor_position, b.claims, r.state, \
         r.control, r.parameters, b.letters FROM batches b JOIN runs r ON r.id = b.run_id WHERE b.id = ?",
        || vec![id()],
    ),
    assembled(list("SELECT id, active FROM users WHERE id IN (?..)", 50, || ids(50))),
    assembled(list(
        "SELECT c.id, s.email IS NOT NULL FROM contacts c LEFT JOIN suppressions s ON s.email = c.email \
         WHERE c.user_id IN (?..) AND c.id <= ? ORDER BY c.user_id, c.id",
        50,
        || after(ids(50), vec![9_000_i64.into()]),
    )),
    list(
        "SELECT i.contact_id, \
         CASE WHEN i.send_state = 4 THEN COALESCE(m.joined_at, i.sent_at) ELSE i.sent_at END \
         FROM invitations i LEFT JOIN cycle_members m ON m.month = i.month AND m.user_id = i.user_id \
         WHERE i.month = ? AND i.contact_id IN (?..) AND i.send_state IN (2, 4)",
        200,
        || after(vec![202_611_i64.into()], ids(200)),
    ),
    list("SELECT contact_id FROM invitations WHERE month = ? AND contact_id IN (?..)", 200, || {
        after(vec![202_611_i64.into()], ids(200))
    }),
    query("UPDATE batches SET state = 'open', prepared_by = ? WHERE id = ? AND state = 'planned'", || {
        vec!["token".into(), id()]
    }),
    list("SELECT user_id FROM cycle_members WHERE month = ? AND batch_id <> ? AND user_id IN (?..)", 50, || {
        after(vec![202_611_i64.into(), id()], ids(50))
    }),
    assembled(query(
        "SELECT i.id, i.user_id, c.id IS NULL, s.email IS NOT NULL \
         FROM invitations i LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
         LEFT JOIN suppressions s ON s.email = i.to_email \
         WHERE i.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND i.send_state = ? ORDER BY i.id",
        || vec![id(), id(), 0_i64.into()],
    )),
    assembled(list("DELETE FROM invitations WHERE send_state = 0 AND id IN (?..)", 50, || ids(50))),
    // The reminders' planner's.
    query(
        "SELECT id, run_key, scheduled_at, started_at, parameters FROM runs \
         WHERE job = ? AND run_key < ? AND parent_id = 0 ORDER BY run_key DESC LIMIT ?",
        || vec!["monthly-invitations".into(), "key 7".into(), 24_i64.into()],
    ),
    query(
        "SELECT batch_id + 0, SUM(accepted) FROM sends WHERE claimed_at > ? AND claimed_at <= ? \
         AND batch_id + 0 > ? GROUP BY 1 ORDER BY 1 LIMIT ?",
        || after(an_hour(), vec![id(), 200_i64.into()]),
    ),
    query(
        "SELECT batch_id + 0, SUM(1) FROM waiting_reminders WHERE due_at > ? AND due_at <= ? \
         AND batch_id + 0 > ? GROUP BY 1 ORDER BY 1 LIMIT ?",
        || after(an_hour(), vec![id(), 200_i64.into()]),
    ),
    list("SELECT id FROM batches WHERE letters <> 'invitation' AND id IN (?..)", 200, || ids(200)),
    // The worker's, for each batch of reminders.
    assembled(query(
        "SELECT i.id, c.id IS NULL, s.email IS NOT NULL FROM invitations i \
         LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
         LEFT JOIN suppressions s ON s.email = i.to_email \
         WHERE i.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND i.send_state = 2 \
         AND i.sent_at > ? AND i.sent_at <= ? ORDER BY i.id",
        || after(vec![id(), id()], an_hour()),
    )),
    by_primary_key(
        "w",
        assembled(query(
            "SELECT i.id, c.id IS NULL, s.email IS NOT NULL FROM waiting_reminders w \
             JOIN invitations i ON i.id = w.invitation_id \
             LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
             LEFT JOIN suppressions s ON s.email = i.to_email \
             WHERE w.invitation_id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND w.due_at > ? AND w.due_at <= ? \
             ORDER BY i.id",
            || after(vec![id(), id()], an_hour()),
        )),
    ),
    query(
        "SELECT id, invitation_id, kind, send_state, sent_at FROM reminders WHERE invitation_id BETWEEN ? AND ?",
        a_range,
    ),
    query(
        "SELECT claimed_at FROM sends WHERE batch_id = ? AND first_position <= ? AND last_position >= ? \
         ORDER BY claim DESC LIMIT 1",
        || vec![id(), 7_i64.into(), 7_i64.into()],
    ),
    list("SELECT id FROM batches WHERE id IN (?..) ORDER BY id {for update}", 50, || ids(50)),
    list("DELETE FROM waiting_reminders WHERE invitation_id IN (?..)", 200, || ids(200)),
    assembled(query(
        "SELECT r.id, i.id IS NULL, c.id IS NULL, s.email IS NOT NULL FROM reminders r \
         LEFT JOIN invitations i ON i.id = r.invitation_id \
         LEFT JOIN contacts c ON c.user_id = i.user_id AND c.id = i.contact_id \
         LEFT JOIN suppressions s ON s.email = i.to_email \
         WHERE r.id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND r.send_state = ? ORDER BY r.id",
        || vec![id(), id(), 0_i64.into()],
    )),
    assembled(query(
        "UPDATE reminders SET send_state = 2, sent_at = ?, status = CASE WHEN status = 0 THEN 1 ELSE status END \
         WHERE send_state IN (0, 4) AND id BETWEEN ? AND ? AND \
         EXISTS (SELECT 1 FROM sends WHERE batch_id = ? AND claim = ? AND nonce = ?)",
        || {
            let sent = vec![shared::records::never().into(), (77_i64 * 65_536).into(), (77_i64 * 65_536 + 49).into()];
            after(sent, vec![id(), 0_i64.into(), "00000000".into()])
        },
    )),
    // The worker's, for each call.
    query(
        "UPDATE batches SET claims = ?, cursor_position = ? WHERE id = ? AND claims = ? AND state = 'open' \
         AND EXISTS (SELECT 1 FROM runs WHERE runs.id = batches.run_id AND runs.control = 'run' \
         AND runs.state = 'open')",
        || vec![1_i64.into(), 50_i64.into(), id(), 0_i64.into()],
    ),
    query("SELECT nonce FROM sends WHERE batch_id = ? AND claim = ? AND state = 0", || vec![id(), 0_i64.into()]),
    query(
        "UPDATE sends SET state = 1, settled_at = ?, accepted = ?, refused = ?, outcome = ? \
         WHERE batch_id = ? AND claim = ? AND nonce = ?",
        || {
            let settled = vec![shared::records::never().into(), 1_i64.into(), 0_i64.into(), "".into()];
            after(settled, vec![id(), 0_i64.into(), "00000000".into()])
        },
    ),
    assembled(query(
        "UPDATE invitations SET send_state = 2, sent_at = ?, status = CASE WHEN status = 0 THEN 1 ELSE status END \
         WHERE send_state IN (0, 4) AND id BETWEEN ? AND ? AND \
         EXISTS (SELECT 1 FROM sends WHERE batch_id = ? AND claim = ? AND nonce = ?)",
        || {
            let sent = vec![shared::records::never().into(), (77_i64 * 65_536).into(), (77_i64 * 65_536 + 49).into()];
            after(sent, vec![id(), 0_i64.into(), "00000000".into()])
        },
    )),
    assembled(list("UPDATE invitations SET send_state = 3 WHERE send_state IN (0, 4) AND id IN (?..)", 10, || ids(10))),
    // The worker's, for the quota, once in some minutes.
    query("SELECT COALESCE(SUM(accepted), 0) FROM sends WHERE claimed_at > ?", || an_hour()[..1].to_vec()),
    query("SELECT COUNT(*) FROM feedback WHERE kind = ? AND claimed_at > ?", || {
        vec![6_i64.into(), shared::records::never().into()]
    }),
    // The worker's, when it takes a batch, and when it failed at one.
    query("SELECT id FROM batches WHERE id = ? {for update of free}", || vec![id()]),
    query(
        "SELECT tries FROM batches WHERE id = ? AND state IN ('planned', 'open') {for update of free}",
        || vec![id()],
    ),
    // The worker's, at a batch's end.
    assembled(query(
        "SELECT 1 FROM invitations WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state = ? LIMIT 1",
        || vec![id(), id(), 0_i64.into()],
    )),
    query("SELECT letters FROM batches WHERE id = ?", || vec![id()]),
    query("SELECT 1 FROM sends WHERE batch_id = ? AND state = 0 LIMIT 1", || vec![id()]),
    query("UPDATE batches SET state = 'done', finished_at = {now} WHERE id = ? AND state = 'open'", || vec![id()]),
    assembled(query(
        "UPDATE invitations SET send_state = 3 WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state = 0",
        || vec![id(), id()],
    )),
    query("SELECT 1 FROM batches WHERE run_id = ? AND state IN ('planned', 'open') LIMIT 1", || vec![id()]),
    // The closing's: as much as the run has.
    query("SELECT id, letters FROM batches WHERE run_id = ? ORDER BY id", || vec![id()]),
    assembled(query(
        "SELECT send_state, COUNT(*) FROM invitations WHERE id BETWEEN ? AND ? GROUP BY send_state",
        a_range,
    )),
    query("SELECT reason, SUM(contacts) FROM skips WHERE run_id = ? GROUP BY reason", || vec![id()]),
    query(
        "SELECT state, SUM(planned) FROM batches WHERE run_id = ? AND state IN ('parked', 'cancelled') \
         AND prepared_by = ? GROUP BY state",
        || vec![id(), "00000000000000000000000000000000".into()],
    ),
    query("SELECT COALESCE(SUM(redriven_letters), 0) FROM batches WHERE run_id = ?", || vec![id()]),
    // A redrive's.
    query(
        "SELECT id, letters, subjects, planned, prepared_by FROM batches \
         WHERE run_id = ? AND redriven_by = ? AND redriven_as = 0 ORDER BY id LIMIT ?",
        || vec![id(), id(), 100_i64.into()],
    ),
    query(
        "SELECT id FROM invitations WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state IN (3, 6) \
         AND status = 0 AND expires_at > ? ORDER BY id",
        || vec![id(), id(), shared::records::never().into()],
    ),
    query("SELECT not_before, planned FROM batches WHERE run_id = ? ORDER BY id DESC LIMIT 1", || vec![id()]),
    query("SELECT outcome FROM sends WHERE batch_id = ? AND refused > 0", || vec![id()]),
    // A second try's.
    query(
        "SELECT b.letters FROM batches b JOIN runs r ON r.id = b.run_id \
         WHERE b.id = ? AND b.doubts_retried = 0 AND r.when_in_doubt = 'once-more'",
        || vec![id()],
    ),
    query("SELECT first_position, last_position, listed FROM sends WHERE batch_id = ? AND second_try = 1", || {
        vec![id()]
    }),
    query("SELECT id FROM runs WHERE parent_id = ? AND state = 'open' ORDER BY id LIMIT 1", || vec![id()]),
    query("SELECT id FROM invitations WHERE id BETWEEN ? AND ? AND send_state = ? ORDER BY id LIMIT ?", || {
        after(a_range(), vec![4_i64.into(), 100_i64.into()])
    }),
    query(
        "SELECT invitation_id, kind FROM reminders WHERE id BETWEEN ? AND ? AND send_state = ? ORDER BY id LIMIT ?",
        || after(a_range(), vec![4_i64.into(), 100_i64.into()]),
    ),
    // The keeper's, every minute, and the engine's of one machine, every second.
    assembled(query(
        "SELECT batch_id, claim, (SELECT b.letters FROM batches b WHERE b.id = sends.batch_id) FROM sends \
         WHERE state = 0 AND lease_until < {now} LIMIT ? {for update of free}",
        || vec![100_i64.into()],
    )),
    assembled(list(
        "SELECT batch_id, claim, (SELECT b.letters FROM batches b WHERE b.id = sends.batch_id) FROM sends \
         WHERE state = 0 AND holder IN (?..) LIMIT ?",
        1,
        || vec!["token".into(), 100_i64.into()],
    )),
    assembled(query("SELECT id FROM runs WHERE state = 'open' ORDER BY id LIMIT ?", || vec![100_i64.into()])),
    query(
        "SELECT 1 FROM runs WHERE id = ? AND plan_complete = 0 AND checkpoint_at < {now+?} \
         AND resumed_at < {now+?} AND (vain_resumes = 0 OR checkpoint <> resumed_checkpoint)",
        || vec![id(), 0_i64.into(), 0_i64.into()],
    ),
    list(
        "SELECT id, run_id, kind, body, tries FROM outbox WHERE state = 'due' AND not_before <= {now} \
         AND kind IN (?..) ORDER BY id LIMIT ?",
        8,
        || after(vec!["report".into(); 8], vec![50_i64.into()]),
    ),
    query("SELECT 1 FROM outbox WHERE run_id = ? AND state = 'due' LIMIT 1", || vec![id()]),
    query("SELECT 1 FROM outbox WHERE run_id = ? AND kind = ? LIMIT 1", || vec![id(), "job-started".into()]),
    // Feedback's, for each letter of which something is said.
    query(
        "SELECT first_position, last_position, listed, claimed_at, state FROM sends \
         WHERE batch_id = ? AND claim = ? AND nonce = ?",
        || vec![id(), 0_i64.into(), "00000000".into()],
    ),
    query(
        "SELECT user_id, contact_id, to_email, status, opened_at, send_state, sent_at FROM invitations \
         WHERE id = ? {for update}",
        || vec![(77_i64 * 65_536).into()],
    ),
    query(
        "SELECT batch_id, claim, kind, happened_at, claimed_at, code, provider_id FROM feedback \
         WHERE invitation_id = ? AND letter = ? ORDER BY batch_id, claim, kind",
        || vec![(77_i64 * 65_536).into(), 0_i64.into()],
    ),
    query("UPDATE invitations SET send_state = ?, sent_at = ? WHERE id = ?", || {
        vec![2_i64.into(), shared::records::never().into(), (77_i64 * 65_536).into()]
    }),
    query("SELECT id, send_state, sent_at FROM reminders WHERE invitation_id = ? AND kind = ? {for update}", || {
        vec![(77_i64 * 65_536).into(), 1_i64.into()]
    }),
    query("UPDATE sends SET accepted = accepted + 1 WHERE batch_id = ? AND claim = ? AND accepted < letters", || {
        vec![id(), 0_i64.into()]
    }),
    assembled(list("UPDATE contacts SET email_status = 'sent' WHERE email = ? AND email_status IN (?..)", 2, || {
        vec!["contact77@example.org".into(), "active".into(), "sent".into()]
    })),
    assembled(query(
        "UPDATE contacts SET bounce_count = bounce_count + 1 WHERE user_id = ? AND id = ? AND email = ?",
        || vec![26_i64.into(), id(), "contact77@example.org".into()],
    )),
    query("UPDATE suppressions SET suppressed_at = ? WHERE email = ? AND reason = ? AND suppressed_at > ?", || {
        let never: Value<'static> = shared::records::never().into();
        vec![never.clone(), "contact77@example.org".into(), "bounce".into(), never]
    }),
    query("SELECT user_id, email FROM contacts WHERE id = ? {for update}", || vec![id()]),
    // The queue's of one machine.
    assembled(query(
        "SELECT id, body, receive_count FROM queue_messages WHERE queue = ? AND dead = 0 AND visible_at <= {now} \
         ORDER BY visible_at, id LIMIT ?",
        || vec!["invitations".into(), 10_i64.into()],
    )),
    list("DELETE FROM queue_messages WHERE receipt = ? AND id IN (?..)", 10, || {
        let mut values: Vec<Value<'static>> = vec!["token".into()];
        values.extend(ids(10));
        values
    }),
    query(
        "SELECT cause FROM batches WHERE run_id = ? AND state IN ('planned', 'open') AND queued = 0 \
         AND not_before > {now} LIMIT 1",
        || vec![id()],
    ),
    query("SELECT id, body FROM queue_messages WHERE queue = ? AND dead = 1 LIMIT 100", || vec!["invitations".into()]),
    // When a process has died, and a queue of one machine holds no more than what is under way.
    Query {
        may_scan: true,
        ..list(
            "UPDATE queue_messages SET visible_at = {now}, \
             receive_count = receive_count - CASE WHEN deaths < ? THEN 1 ELSE 0 END, \
             deaths = deaths + 1, holder = '' WHERE dead = 0 AND receive_count > 0 AND holder IN (?..)",
            1,
            || vec![100_i64.into(), "token".into()],
        )
    },
    // The clean-up's, every night.
    query(
        "SELECT id FROM batches WHERE swept = ? AND id > ? AND letters = 'invitation' \
         AND state IN ('done', 'parked', 'cancelled') ORDER BY id LIMIT ?",
        || vec![1_i64.into(), id(), 50_i64.into()],
    ),
    query(
        "SELECT id FROM batches WHERE swept = 0 AND id > ? AND letters <> 'invitation' \
         AND state IN ('done', 'parked', 'cancelled') ORDER BY id LIMIT ?",
        || vec![id(), 50_i64.into()],
    ),
    query("SELECT expires_at FROM invitations WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1", a_range),
    query(
        "UPDATE invitations SET status = 5 WHERE id BETWEEN ? AND ? AND status NOT IN (4, 5, 7) AND expires_at <= ?",
        || after(a_range(), vec![shared::records::never().into()]),
    ),
    query("SELECT 1 FROM invitations WHERE id BETWEEN ? AND ? AND expires_at > ? LIMIT 1", || {
        after(a_range(), vec![shared::records::never().into()])
    }),
    query("DELETE FROM invitations WHERE id BETWEEN ? AND ? AND expires_at < ?", || {
        after(a_range(), vec![shared::records::never().into()])
    }),
    assembled(query("DELETE FROM reminders WHERE invitation_id BETWEEN ? AND ?", a_range)),
    assembled(query("DELETE FROM waiting_reminders WHERE invitation_id BETWEEN ? AND ?", a_range)),
    assembled(query("DELETE FROM feedback WHERE invitation_id BETWEEN ? AND ?", a_range)),
    query(
        "SELECT b.id, b.letters, b.run_id FROM batches b JOIN runs r ON r.id = b.run_id AND r.state <> 'open' \
         WHERE b.heard_out = 0 AND b.redriven_as = 0 AND b.id > ? ORDER BY b.id LIMIT ?",
        || vec![id(), 50_i64.into()],
    ),
    assembled(query(
        "SELECT id FROM invitations WHERE id BETWEEN ? * 65536 AND ? * 65536 + 65535 AND send_state = ? ORDER BY id",
        || vec![id(), id(), 4_i64.into()],
    )),
    assembled(query("SELECT claim, outcome FROM sends WHERE batch_id = ? AND accepted < letters", || vec![id()])),
    assembled(query(
        "SELECT claim, claimed_at FROM sends WHERE claimed_at BETWEEN ? AND ? AND provider = ? AND state = 1 \
         AND accepted = letters AND refused = 0 AND outcome NOT LIKE '%\"unknown\":%' ORDER BY claimed_at DESC LIMIT ?",
        || after(an_hour(), vec!["ses".into(), 5_i64.into()]),
    )),
    list(
        "SELECT COUNT(DISTINCT f.invitation_id) FROM feedback f WHERE f.invitation_id BETWEEN ? AND ? \
         AND f.letter = ? AND f.batch_id = ? AND f.claim = ? AND f.kind IN (?..)",
        4,
        || after(a_range(), after(vec![0_i64.into(), id(), 0_i64.into()], ids(4))),
    ),
    list(
        "SELECT COUNT(DISTINCT r.id) FROM reminders r JOIN feedback f ON f.invitation_id = r.invitation_id \
         WHERE r.id BETWEEN ? AND ? AND f.letter = ? AND f.batch_id = ? AND f.claim = ? AND f.kind IN (?..)",
        4,
        || after(a_range(), after(vec![1_i64.into(), id(), 0_i64.into()], ids(4))),
    ),
    query("DELETE FROM sends WHERE batch_id = ?", || vec![id()]),
    query("DELETE FROM skips WHERE run_id = (SELECT run_id FROM batches WHERE id = ?) AND batch_id = ?", || {
        vec![id(), id()]
    }),
    query(
        "SELECT id FROM outbox WHERE id > ? AND state = 'sent' AND not_before < {now+?} \
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = outbox.run_id AND runs.state = 'open') \
         ORDER BY id LIMIT ?",
        || vec![id(), (-259_200_000_000_i64).into(), 1_000_i64.into()],
    ),
    query("SELECT id FROM news WHERE id > ? AND happened_at < ? ORDER BY id LIMIT ?", || {
        vec![id(), shared::records::never().into(), 1_000_i64.into()]
    }),
    query("SELECT 1 FROM reminders WHERE id BETWEEN ? AND ? LIMIT 1", a_range),
    query("SELECT user_id FROM contacts WHERE user_id > ? ORDER BY user_id, id LIMIT ?", || vec![id(), 100_i64.into()]),
    query(
        "UPDATE contacts SET bounce_count = 0, email_status = 'active' \
         WHERE user_id > ? AND user_id <= ? AND email_status = 'bounced_temporary' \
         AND bounce_count > 0 AND bounce_count < ? AND last_bounce_at < ?",
        || vec![id(), 90_i64.into(), 5_i64.into(), shared::records::never().into()],
    ),
    query(
        "SELECT DISTINCT c.user_id FROM contacts c LEFT JOIN users u ON u.id = c.user_id \
         WHERE c.user_id > ? AND c.user_id <= ? AND u.id IS NULL",
        || vec![id(), 90_i64.into()],
    ),
    list(
        "SELECT c.id, c.response_rate, COUNT(*), SUM(CASE WHEN i.status = 4 THEN 1 ELSE 0 END) \
         FROM contacts c JOIN invitations i ON i.month IN (?..) AND i.contact_id = c.id AND i.send_state = 2 \
         WHERE c.user_id > ? AND c.user_id <= ? GROUP BY c.id, c.response_rate",
        6,
        || after(ids(6), vec![id(), 90_i64.into()]),
    ),
    // A monitor's.
    query("SELECT position, team, name, variables FROM monitored_teams WHERE run_id = ? ORDER BY position", || {
        vec![id()]
    }),
    query(
        "SELECT t.position, t.team, t.name, t.variables FROM monitored_teams t \
         WHERE t.run_id = ? AND t.position > ? AND t.position <= ? AND NOT EXISTS \
         (SELECT 1 FROM measurements m WHERE m.run_id = t.run_id AND m.position = t.position) \
         ORDER BY t.position LIMIT ?",
        || vec![id(), 0_i64.into(), 256_i64.into(), 256_i64.into()],
    ),
    list("SELECT position FROM measurements WHERE run_id = ? AND position IN (?..)", 64, || after(vec![id()], ids(64))),
    query(
        "SELECT run_id FROM verdicts WHERE hackathon = ? AND criterion = ? AND reported = ? AND run_id < ? \
         ORDER BY run_id DESC LIMIT 1",
        || after(series(), vec!["sent".into(), id()]),
    ),
    query(
        "SELECT t.position, t.team, t.name, t.variables, m.measured FROM monitored_teams t \
         JOIN measurements m ON m.run_id = t.run_id AND m.position = t.position \
         WHERE t.run_id = ? ORDER BY t.position",
        || vec![id()],
    ),
    query(
        "SELECT team, status, score, reason, metrics FROM verdicts \
         WHERE hackathon = ? AND criterion = ? AND reported = 'kept' AND run_id < ? ORDER BY run_id, position",
        || after(series(), vec![id()]),
    ),
    query(
        "SELECT team, status, score, reason, metrics FROM verdicts WHERE run_id = ? AND reported = 'waiting' \
         ORDER BY position",
        || vec![id()],
    ),
    query(
        "UPDATE verdicts SET reported = 'refused', report_error = ? \
         WHERE run_id = ? AND team = ? AND reported = 'waiting'",
        || vec!["".into(), id(), "team 7".into()],
    ),
    query(
        "UPDATE verdicts SET reported = 'refused', report_error = ? WHERE hackathon = ? \
         AND criterion = ? AND reported = 'kept' AND run_id < ? AND team = ?",
        || after(vec!["".into()], after(series(), vec![id(), "team 7".into()])),
    ),
    query("SELECT url_hash, etag, facts, answered_at FROM conditional_answers WHERE url_hash IN (?, ?)", || {
        vec!["hash 7".into(), "hash 8".into()]
    }),
    query("UPDATE conditional_answers SET etag = ?, facts = ?, answered_at = ? WHERE url_hash = ?", || {
        vec!["".into(), "{}".into(), shared::records::never().into(), "hash 7".into()]
    }),
    query("SELECT url_hash FROM conditional_answers WHERE answered_at < ? ORDER BY answered_at LIMIT ?", || {
        vec![shared::records::never().into(), 1_000_i64.into()]
    }),
    query("DELETE FROM conditional_answers WHERE url_hash = ?", || vec!["hash 7".into()]),
    query("UPDATE verdicts SET reported = ? WHERE run_id = ? AND reported = 'waiting'", || vec!["sent".into(), id()]),
    query(
        "UPDATE verdicts SET reported = ? WHERE hackathon = ? AND criterion = ? AND reported = 'kept' \
         AND run_id < ?",
        || after(vec!["sent".into()], after(series(), vec![id()])),
    ),
    query(
        "UPDATE verdicts SET reported = 'superseded' WHERE hackathon = ? AND criterion = ? AND reported = 'kept' \
         AND run_id < ? AND team IN (SELECT t.team FROM monitored_teams t WHERE t.run_id = ?)",
        || after(series(), vec![id(), id()]),
    ),
    query("SELECT id FROM runs WHERE job = ? AND run_key < ? AND parent_id = 0 ORDER BY run_key DESC LIMIT ?", || {
        vec!["monthly-invitations".into(), "key 7".into(), 16_i64.into()]
    }),
    query(
        "SELECT team, status, score, reason, judged_at, reported FROM verdicts \
         WHERE run_id = ? AND hackathon = ? AND criterion = ?",
        || after(vec![id()], series()),
    ),
    query(
        "DELETE FROM measurements WHERE run_id = ? \
         AND EXISTS (SELECT 1 FROM runs WHERE runs.id = measurements.run_id AND runs.state <> 'open')",
        || vec![id()],
    ),
    query(
        "DELETE FROM monitored_teams WHERE run_id = ? \
         AND EXISTS (SELECT 1 FROM runs WHERE runs.id = monitored_teams.run_id AND runs.state <> 'open')",
        || vec![id()],
    ),
    query(
        "SELECT v.run_id, v.judged_at FROM verdicts v JOIN runs r ON r.id = v.run_id AND r.state <> 'open' \
         WHERE v.hackathon = ? AND v.criterion = ? AND v.reported = ? ORDER BY v.run_id LIMIT 1",
        || after(series(), vec!["kept".into()]),
    ),
    query("DELETE FROM verdicts WHERE run_id = ? AND reported = ?", || vec![id(), "sent".into()]),
    query(
        "SELECT reported, COUNT(*) FROM verdicts WHERE run_id = ? AND reported <> 'waiting' GROUP BY reported",
        || vec![id()],
    ),
    query(
        "SELECT COUNT(*) FROM runs r JOIN monitored_teams t ON t.run_id = r.id \
         LEFT JOIN verdicts v ON v.run_id = t.run_id AND v.position = t.position AND v.reported <> 'waiting' \
         WHERE r.id = ? AND r.control = 'cancel' AND v.run_id IS NULL",
        || vec![id()],
    ),
    query(
        "SELECT run_id, team, judged_at, reported, report_error, status, score, reason, metrics FROM verdicts \
         WHERE run_id = ? ORDER BY position LIMIT ?",
        || vec![id(), 1_000_i64.into()],
    ),
    query(
        "SELECT run_id, team, judged_at, reported, report_error, status, score, reason, metrics FROM verdicts \
         WHERE hackathon = ? AND criterion = ? AND team = ? ORDER BY run_id DESC LIMIT ?",
        || after(series(), vec!["team 7".into(), 10_i64.into()]),
    ),
    query(
        "SELECT team, day, provider, currency, micros FROM cost_days WHERE hackathon = ? AND team >= ? \
         AND (team > ? OR day > ? OR (day = ? AND (provider > ? OR (provider = ? AND currency > ?)))) \
         ORDER BY team, day, provider, currency LIMIT ?",
        || {
            let (team, day): (Value<'_>, Value<'_>) = ("team 7".into(), 20_261_107_i64.into());
            let place = vec![day.clone(), day, "AWS".into(), "AWS".into(), "EUR".into(), 1_000_i64.into()];
            after(vec!["7".into(), team.clone(), team], place)
        },
    ),
    // People's: one run, one job's history.
    assembled(query("SELECT id FROM runs WHERE id = ?", || vec![id()])),
    assembled(query("SELECT id FROM runs WHERE job = ? AND run_key = ?", || {
        vec!["monthly-invitations".into(), "key 7".into()]
    })),
];

/// The code that holds the queries, each on one line as the compiler reads it.
pub fn source() -> String {
    [
        include_str!("../../../functions/cleanup/src/contacts.rs"),
        include_str!("../../../functions/cleanup/src/doubts.rs"),
        include_str!("../../../functions/cleanup/src/invitations.rs"),
        include_str!("../../../functions/cleanup/src/reminders.rs"),
        include_str!("../../../functions/cleanup/src/said.rs"),
        include_str!("../../../functions/git-monitor/src/memory.rs"),
        include_str!("../../../functions/invitation-worker/src/people.rs"),
        include_str!("../../../functions/invitation-worker/src/prepare.rs"),
        include_str!("../../../functions/invitation-worker/src/reminders/earlier.rs"),
        include_str!("../../../functions/invitation-worker/src/reminders/mod.rs"),
        include_str!("../../../functions/invitation-worker/src/taking.rs"),
        include_str!("../../../functions/monthly-invitations/src/subjects.rs"),
        include_str!("../../../functions/reminders/src/lib.rs"),
        include_str!("../../../functions/reminders/src/subjects.rs"),
        include_str!("../../../functions/run-keeper/src/lib.rs"),
        include_str!("../../../shared/src/claims.rs"),
        include_str!("../../../shared/src/claims/evidence.rs"),
        include_str!("../../../shared/src/claims/silence.rs"),
        include_str!("../../../shared/src/consent.rs"),
        include_str!("../../../shared/src/cycle.rs"),
        include_str!("../../../shared/src/feedback/letter.rs"),
        include_str!("../../../shared/src/feedback/said.rs"),
        include_str!("../../../shared/src/hackathon/costs/store.rs"),
        include_str!("../../../shared/src/hackathon/store.rs"),
        include_str!("../../../shared/src/mail/quota/reputation.rs"),
        include_str!("../../../shared/src/queue.rs"),
        include_str!("../../../shared/src/run/batch.rs"),
        include_str!("../../../shared/src/run/close.rs"),
        include_str!("../../../shared/src/run/doubt.rs"),
        include_str!("../../../shared/src/run/fuse.rs"),
        include_str!("../../../shared/src/run/history.rs"),
        include_str!("../../../shared/src/run/redrive.rs"),
        include_str!("../../../shared/src/run/ledger.rs"),
        include_str!("../../../shared/src/run/outbox.rs"),
        include_str!("../../../shared/src/run/plan.rs"),
    ]
    .into_iter()
    .flat_map(str::lines)
    .map(|line| line.trim_start().strip_suffix('\\').map_or_else(|| format!("{}\n", line.trim_start()), str::to_owned))
    .collect()
}
