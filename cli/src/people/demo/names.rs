//! Names, some of which break what only ever saw plain ones, and addresses nobody has.

/// A first name, and how it stands in an address.
pub(super) type FirstName = (&'static str, &'static str);

/// First names: accents, a dotless i, an apostrophe, scripts that are wide, joined or written from right to left (one
/// with a mark that says so), and a picture made of several code points.
pub(super) const FIRST: &[FirstName] = &[
    ("Camille", "camille"),
    ("Hugo", "hugo"),
    ("Léa", "lea"),
    ("Zoë", "zoe"),
    ("François", "francois"),
    ("Noémie", "noemie"),
    ("Jules", "jules"),
    ("Inès", "ines"),
    ("Anaïs", "anais"),
    ("Théo", "theo"),
    ("Emma", "emma"),
    ("Oliver", "oliver"),
    ("Amelia", "amelia"),
    ("Siân", "sian"),
    ("D’Arcy", "d'arcy"),
    ("Jean-Baptiste", "jean-baptiste"),
    ("Mary Ann", "mary.ann"),
    ("Björn", "bjorn"),
    ("Łucja", "lucja"),
    ("Işıl", "isil"),
    ("Nguyễn", "nguyen"),
    ("Ольга", "olga"),
    ("Ελένη", "eleni"),
    ("小明", "xiaoming"),
    ("さくら", "sakura"),
    ("민준", "minjun"),
    ("ليلى", "layla"),
    ("\u{200f}דוד", "david"),
    ("अनन्या", "ananya"),
    ("Flo 👩‍🚀", "flo+space"),
];

/// Last names, in the same spirit; the longest is as long as a file may say.
pub(super) const LAST: &[&str] = &[
    "Martin",
    "Bernard",
    "Dubois",
    "Lefèvre",
    "d’Aboville",
    "O'Brien",
    "Smith",
    "Jones",
    "Fitz-Gerald",
    "Müller-Lüdenscheidt",
    "Ångström",
    "Đặng",
    "Smith, Jr.",
    "de la Cruz y Ortega",
    "\"Ace\" Kelly",
    "<script>",
    "Иванова",
    "Παπαδοπούλου",
    "王",
    "山田",
    "김",
    "المصري",
    "כהן",
    "शर्मा",
    "",
    "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh-Cholmondeley-Marjoribanks-Llanfairpwllgwyngyll",
];

/// Domains that RFC 2606 and RFC 6761 reserve.
pub(super) const DOMAINS: &[&str] = &["example.org", "example.com", "example.net", "mail.example", "letters.example"];
