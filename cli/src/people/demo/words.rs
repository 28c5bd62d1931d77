//! What users write under their invitations, and the tags that they give.

/// Messages that a page or a header could trip over; most users write none.
pub(super) const MESSAGES: &[&str] = &[
    "Merci d'avance, ça ne prend que deux minutes !",
    "Would love to hear how you are doing.",
    "On se voit bientôt <3 & on en parle ?",
    "He said \"yes\", she said 'maybe' — what do you say?\n\nLove,\nme",
    "Première ligne\r\nDeuxième ligne\r\n\r\n.\r\nLa ligne d'avant n'est qu'un point.",
    "<b>Not bold</b> {{username}} ${name} %s \\n &amp;",
    "To: nobody\nSubject: not a header",
    "🎈🎉 À très vite ! 👨‍👩‍👧‍👦",
    "مرحبا، كيف حالك؟ 你好吗？",
];

/// The most characters that a message has.
pub(super) const LONGEST_MESSAGE: usize = 500;

/// What owners call their contacts.
pub(super) const TAGS: &[&str] = &["friend", "family", "work", "école", "chorale", "vip", "neighbours", "東京"];
