//! The parsers of foreign bytes: commits, tags, the signed line (T8, docs/formats.md §7).

use cosmos_model::object::commit::Commit;
use cosmos_model::object::tag::Tag;
use cosmos_model::trust::{Statement, StatementError, TrustSet};
use proptest::prelude::*;

const ID: &str = "0123456789012345678901234567890123456789";
const PERSON: &str = "A <a@example.org> 1704067200 +0000";

#[test]
fn headers_out_of_order_repeated_or_foreign_are_refused() {
    let good = format!("tree {ID}\nparent {ID}\nauthor {PERSON}\ncommitter {PERSON}\nencoding x\n\nmessage\n");
    let commit = Commit::parse(good.as_bytes()).unwrap();
    assert_eq!((commit.parents.len(), commit.committed_at, commit.message), (1, 1_704_067_200, &b"message\n"[..]));
    assert_eq!((commit.signature().unwrap(), commit.payload()), (None, good.clone().into_bytes()));
    let wrong = [
        good.replacen("tree", "Tree", 1),
        good.replace("encoding x", &format!("parent {ID}")),
        good.replace("encoding x", &format!("tree {ID}")),
        good.replace("encoding x", "gpgsig a\ngpgsig b"),
        good.replace("encoding x", "gpgsig-sha256 a"),
        good.replace("message", "mess\0age"),
        good.replace("\n\nmessage\n", ""),
        format!("parent {ID}\n{good}"),
        "x".repeat(2 << 20),
    ];
    for text in wrong {
        assert!(Commit::parse(text.as_bytes()).is_err(), "{}", &text[..text.len().min(300)]);
    }
    let good = format!("object {ID}\ntype commit\ntag v1\ntagger {PERSON}\n\nmessage\n");
    assert_eq!(Tag::parse(good.as_bytes()).unwrap().name, b"v1");
    let wrong = [
        good.replace("type commit", "type weird"),
        good.replace("tag v1\n", "tag v1\ntag v2\n"),
        good.replace("\n\nmessage", "\ngpgsig x\n\nmessage"),
        good.replacen("\n\nmessage\n", "\n", 1),
        good.replace("tag v1\n", "tag v1\r\n"),
    ];
    for text in wrong {
        assert!(Tag::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_signed_line_binds_what_it_says_and_nothing_else() {
    assert_eq!(Statement::parse(b"fix cosmos: 1\n"), Ok(None));
    let all = b"cosmos: 1 fleet=example branch=main counter=17 valid-until=2026-12-01T00:00:00Z removals=3\nrest";
    let statement = Statement::parse(all).unwrap().unwrap();
    assert_eq!(
        statement,
        Statement {
            fleet: Some("example".into()),
            branch: Some("main".into()),
            counter: Some(17),
            valid_until: Some("2026-12-01".parse().unwrap()),
            removals: 3,
        }
    );
    assert_eq!(Statement::parse(b"cosmos: 1"), Ok(Some(Statement::default())));
    assert_eq!(Statement::parse(b"cosmos: 2 x=1"), Err(StatementError::Version("2".into())));
    assert_eq!(Statement::parse(b"cosmos: 1 x=1"), Err(StatementError::UnknownKey("x".into())));
    assert_eq!(Statement::parse(b"cosmos: 1 counter=1 counter=2"), Err(StatementError::Twice("counter".into())));
    for wrong in [
        "cosmos:1",
        "cosmos:",
        "cosmos: 1  fleet=a",
        "cosmos: 1 fleet=",
        "cosmos: 1 counter=+1",
        "cosmos: 1 removals=-1",
        "cosmos: 1 fleet=a\u{e9}",
        "cosmos: 1 ",
        "cosmos: 1\tfleet=a",
    ] {
        assert!(Statement::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..400usize) {
        let commit = format!("tree {ID}\nauthor {PERSON}\ncommitter {PERSON}\ngpgsig x\n y\n\n");
        let tag = format!("object {ID}\ntype commit\ntag v1\n\nx\n-----BEGIN PGP SIGNATURE-----\n");
        for prefix in [commit.as_str(), tag.as_str(), "cosmos: 1 ", "version = 0\n"] {
            let text = [&prefix.as_bytes()[..cut.min(prefix.len())], &bytes[..]].concat();
            let _ = Commit::parse(&text).map(|commit| (commit.signature(), commit.payload()));
            let _ = Tag::parse(&text);
            let _ = Statement::parse(&text);
            let _ = TrustSet::from_policy(&text);
        }
    }
}
