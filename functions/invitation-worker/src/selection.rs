//! From a batch's users to who of their contacts is invited and why others are not. The dry run asks the same.

use std::collections::{HashMap, HashSet};

use shared::{
    cycle::CycleParameters,
    records::{Result, Tx},
    run::batch::Subject,
};

use crate::{
    eligibility::{Candidate, SkipReason, select},
    people::{self, Contact, User},
    skips::Skips,
};

/// The verdict on a batch's people.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The users who are still there.
    pub users: HashMap<i64, User>,
    /// Who is invited, in the order in which letters go out: grouped by template and language, then by user.
    pub invited: Vec<Contact>,
    /// Who is not.
    pub skipped: Skips,
}

impl Verdict {
    /// Takes a user's contacts back out, all for one reason.
    pub fn exclude_user(&mut self, user: i64, reason: SkipReason) {
        let (theirs, others) = self.invited.drain(..).partition(|contact| contact.user_id == user);
        self.invited = others;
        let theirs: Vec<Contact> = theirs;
        self.skipped.add(user, reason, theirs.iter().map(|contact| contact.candidate.id));
    }
}

/// Decides about every contact of a batch's subjects, so that exactly what the planner counted gets a verdict.
pub async fn decide(
    tx: &mut Tx,
    subjects: &[Subject],
    cycle: &CycleParameters,
    check_invited: bool,
) -> Result<Verdict> {
    let ids: Vec<i64> = subjects.iter().map(|subject| subject.id).collect();
    let users = people::users(tx, &ids).await?;
    let contacts = people::contacts(tx, &users, cycle).await?;
    let invited = if check_invited {
        let ids: Vec<i64> = contacts.iter().map(|contact| contact.candidate.id).collect();
        people::already_invited(tx, cycle, &ids).await?
    } else {
        HashSet::new()
    };
    let mut by_user: HashMap<i64, Vec<Contact>> = HashMap::new();
    for mut contact in contacts {
        contact.candidate.already_invited = invited.contains(&contact.candidate.id);
        by_user.entry(contact.user_id).or_default().push(contact);
    }
    let mut verdict = Verdict { users, ..Verdict::default() };
    for subject in subjects {
        decide_user(&mut verdict, subject, by_user.remove(&subject.id).unwrap_or_default(), cycle);
    }
    // Stable, so that each user's best contacts stay first.
    let users = &verdict.users;
    verdict.invited.sort_by_key(|contact| {
        let user = users.get(&contact.user_id);
        user.map(|user| (user.template.as_str(), user.locale.as_str(), user.id))
    });
    Ok(verdict)
}

fn decide_user(verdict: &mut Verdict, subject: &Subject, mut contacts: Vec<Contact>, cycle: &CycleParameters) {
    let planned = subject.planned as usize;
    if contacts.len() > planned {
        // Only an insert that was under way when the run was opened can come in late; it belongs to the next cycle.
        tracing::warn!(user = subject.id, late = contacts.len() - planned, "contacts came in after the plan");
        contacts.truncate(planned);
    }
    verdict.skipped.add_gone(subject.id, planned - contacts.len());
    let candidates: Vec<&Candidate> = contacts.iter().map(|contact| &contact.candidate).collect();
    let Some(user) = verdict.users.get(&subject.id).filter(|user| user.active) else {
        verdict.skipped.add(subject.id, SkipReason::UserInactive, candidates.iter().map(|candidate| candidate.id));
        return;
    };
    let selection = select(&user.wishes, cycle.scheduled_at, &candidates);
    for (reason, index) in selection.skipped {
        verdict.skipped.add(subject.id, reason, [candidates[index].id]);
    }
    let mut contacts: Vec<Option<Contact>> = contacts.into_iter().map(Some).collect();
    verdict.invited.extend(selection.chosen.into_iter().filter_map(|index| contacts[index].take()));
}
