//! What is set, gathered from the environment and the settings file.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;

use super::env_file::EnvFile;
use super::host::Host;
use super::nearest::nearest;
use super::problem::{Origin, Problem, Problems};
use super::reader::{Group, Reader};
use super::setting::{About, DefaultValue};
use super::table::{self, ALMANAC_CONFIG, ALMANAC_HOME, DATABASE_URL, IN_AWS};

/// A name that begins so is ours: when no setting has it, it is a mistake.
const OURS: [&str; 4] = ["SCHEDULER_", "EMAIL_", "ALMANAC_", "INVITATION_"];

/// Names that begin so belong to Almanac's own tests.
const OF_TESTS: &str = "ALMANAC_TEST_";

/// The settings file that is looked for under the home.
const FILE_UNDER_HOME: &str = "almanac.env";

/// What is set, before it is parsed. `Debug` shows names only.
pub struct Values {
    host: Host,
    found: HashMap<&'static str, Found>,
    problems: Vec<Problem>,
    notices: Vec<String>,
}

/// A text that somebody set, or a default.
#[derive(Clone)]
pub(super) struct Found {
    /// The name under which it was set: the setting's own or its former one.
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) origin: Origin,
}

type Set = BTreeMap<String, (String, Origin)>;

impl Values {
    /// Gathers from this process's environment and the settings file, if there is one.
    ///
    /// The file is the one that `ALMANAC_CONFIG` names, or else `almanac.env` under the home. Whatever is wrong is
    /// kept for [`Values::read`] to report.
    pub fn from_process() -> Self {
        Self::from_environment(std::env::vars_os())
    }

    /// The same from a given environment.
    pub fn from_environment<K, V>(environment: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let variables: Vec<(OsString, OsString)> =
            environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let bare = Self::gather(variables.clone(), None);
        match bare.file() {
            None => bare,
            Some(path) => match EnvFile::read(&path) {
                Ok(file) => Self::gather(variables, Some(file)),
                Err(problem) => {
                    let mut bare = bare;
                    bare.problems.push(problem);
                    bare
                }
            },
        }
    }

    /// Gathers from a given environment and file, and touches nothing else.
    pub fn gather<K, V>(environment: impl IntoIterator<Item = (K, V)>, file: Option<EnvFile>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut problems = Vec::new();
        let environment = readable(environment, &mut problems);
        let host = Host::of(|name| environment.get(name).map(|(value, _)| value.as_str()));
        let mut values = Self { host, found: HashMap::new(), problems, notices: Vec::new() };
        values.refuse_unknown(&environment);
        let named = environment.get(ALMANAC_CONFIG.about.name).is_some_and(|(path, _)| !path.is_empty());
        let file = values.entries(file, named);
        values.choose(environment, file);
        if host == Host::SamLocal && !values.found.contains_key(DATABASE_URL.about.name) {
            // They are the template's names of resources, which nothing outside AWS answers to.
            values.found.retain(|name, _| !IN_AWS.iter().any(|row| row.about().name == *name));
            values.notices.push(format!(
                "sam local without DATABASE_URL: records, queue, reports, news and mail are embedded under {}",
                values.text(&ALMANAC_HOME.about).unwrap_or_default()
            ));
        }
        values
    }

    /// The same as if nobody had set these, in the environment or in the file: for whoever says by another setting what
    /// they would have said.
    #[must_use]
    pub fn without(mut self, settings: &[&About]) -> Self {
        for about in settings {
            self.found.remove(about.name);
        }
        self
    }

    /// The same with these texts for settings that nobody has set, in place of their defaults.
    #[must_use]
    pub fn assuming(mut self, texts: &[(&About, &str)]) -> Self {
        for (about, text) in texts {
            let (name, text, origin) = (about.name, (*text).to_owned(), Origin::Default);
            self.found.entry(name).or_insert(Found { name, text, origin });
        }
        self
    }

    /// Where this process runs.
    pub fn host(&self) -> Host {
        self.host
    }

    /// Lines that somebody should read although nothing is wrong: former names, ignored names, an embedded start.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Reads a group, or a tuple of groups, and reports everything that is wrong with it at once.
    ///
    /// Unknown names and unreadable lines stop every group, because the setting that was meant is not known.
    pub fn read<G: Group>(&self) -> Result<G, Problems> {
        let mut reader = Reader::new(self);
        let group = G::read(&mut reader);
        let problems = [self.problems.clone(), reader.into_problems()].concat();
        match group {
            Some(group) if problems.is_empty() => Ok(group),
            _ => Err(Problems::new(problems)),
        }
    }

    /// What is wrong whatever is read: unknown names, unreadable lines, a missing file.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The text of a setting that holds now: what was set, or else its default.
    pub(super) fn in_force(&self, about: &About) -> Option<Found> {
        self.found.get(about.name).cloned().or_else(|| {
            let text = match about.default {
                _ if self.is_replaced(about) => None,
                DefaultValue::Unset => None,
                DefaultValue::Fixed(text) => Some(text.to_owned()),
                DefaultValue::Derived { of, .. } => of(self),
            };
            text.map(|text| Found { name: about.name, text, origin: Origin::Default })
        })
    }

    /// Whether another setting that is set takes this one's place.
    pub(super) fn is_replaced(&self, about: &About) -> bool {
        about.replaced_by.is_some_and(|other| self.found.contains_key(other))
    }

    /// The same without where it came from.
    pub(super) fn text(&self, about: &About) -> Option<String> {
        self.in_force(about).map(|found| found.text)
    }

    /// The file that should be read: one that is named must be there, the one under the home may be.
    fn file(&self) -> Option<PathBuf> {
        match self.found.get(ALMANAC_CONFIG.about.name) {
            Some(named) => Some(PathBuf::from(&named.text)),
            None => {
                let path = PathBuf::from(self.text(&ALMANAC_HOME.about)?).join(FILE_UNDER_HOME);
                path.exists().then_some(path)
            }
        }
    }

    /// The file's entries that name a setting. `named`: the file was found by `ALMANAC_CONFIG`, not under the home.
    fn entries(&mut self, file: Option<EnvFile>, named: bool) -> Set {
        let Some(file) = file else { return Set::new() };
        self.problems.extend(file.problems);
        let mut set = Set::new();
        for entry in file.entries {
            let origin = Origin::File { path: file.path.clone(), line: entry.line };
            let circular = entry.key == ALMANAC_CONFIG.about.name || (entry.key == ALMANAC_HOME.about.name && !named);
            if circular {
                self.problems.push(Problem {
                    name: entry.key,
                    wrong: "decides which file is read, so it must be an environment variable".to_owned(),
                    expected: None,
                    origin: Some(origin),
                });
            } else if is_known(&entry.key) {
                set.insert(entry.key, (entry.value, origin));
            } else if is_ours(&entry.key) {
                self.problems.push(unknown(entry.key, origin));
            } else {
                // It would work as a variable, for AWS_REGION and the like, but a file is not the environment.
                let hint = suggestion(&entry.key).unwrap_or_else(|| "set it in the environment".to_owned());
                self.notices
                    .push(format!("{} ({origin}) is not a setting of Almanac and is ignored: {hint}", entry.key));
            }
        }
        set
    }

    fn refuse_unknown(&mut self, environment: &Set) {
        for (name, (_, origin)) in environment {
            if is_ours(name) && !is_known(name) {
                self.problems.push(unknown(name.clone(), origin.clone()));
            }
        }
    }

    /// Chooses for every setting: the environment before the file, the new name before the former one.
    fn choose(&mut self, mut environment: Set, mut file: Set) {
        let mut take = |name: &'static str| {
            let set = [environment.remove(name), file.remove(name)];
            // An empty value is how a shell or a template says "not set".
            set.into_iter().flatten().find(|(text, _)| !text.is_empty()).map(|(text, origin)| Found {
                name,
                text,
                origin,
            })
        };
        for row in table::TABLE {
            let about = row.about();
            let own = take(about.name);
            let former = about.former.and_then(&mut take);
            if let Some(former) = &former {
                self.notices.push(match &own {
                    Some(own) => format!(
                        "{} ({}) is ignored: {} ({}) is set too",
                        former.name, former.origin, about.name, own.origin
                    ),
                    None => format!("{} ({}) is now called {}", former.name, former.origin, about.name),
                });
            }
            if let Some(found) = own.or(former) {
                self.found.insert(about.name, found);
            }
        }
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<_> = self.found.keys().collect();
        names.sort_unstable();
        f.debug_struct("Values").field("host", &self.host).field("set", &names).finish_non_exhaustive()
    }
}

/// The variables that are text. One that is ours and is not is a problem.
fn readable<K, V>(environment: impl IntoIterator<Item = (K, V)>, problems: &mut Vec<Problem>) -> Set
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let mut set = Set::new();
    for (name, value) in environment {
        let Ok(name) = name.into().into_string() else { continue };
        match value.into().into_string() {
            Ok(value) => {
                set.insert(name, (value, Origin::Environment));
            }
            Err(_) if is_known(&name) => problems.push(Problem {
                name,
                wrong: "is not UTF-8".to_owned(),
                expected: None,
                origin: Some(Origin::Environment),
            }),
            Err(_) => {}
        }
    }
    set
}

fn is_known(name: &str) -> bool {
    table::TABLE.iter().any(|row| row.about().name == name || row.about().former == Some(name))
}

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with(OF_TESTS)
}

fn unknown(name: String, origin: Origin) -> Problem {
    let hint = suggestion(&name).unwrap_or_else(|| "`almanac config` lists all settings".to_owned());
    Problem { name, wrong: format!("is not a setting: {hint}"), expected: None, origin: Some(origin) }
}

fn suggestion(name: &str) -> Option<String> {
    nearest(name, table::TABLE.iter().map(|row| row.about().name)).map(|known| format!("did you mean {known}?"))
}
