//! Enums whose variants have a spelling for logs and metrics.

/// Defines an enum with the spelling of each variant.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The spellings, in the order of the variants.
            pub(crate) const SPELLINGS: &'static [&'static str] = &[$($text),+];

            /// The spelling.
            #[allow(dead_code, reason = "not every such enum is spelled one at a time")]
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

pub(crate) use spelled;
