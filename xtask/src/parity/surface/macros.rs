//! Types written in macros: `wire! { pub struct … }`, `open_enum! { pub enum … }` and any later
//! macro of the same form.
//!
//! A field may name its JSON form with `= "name"` behind the type, a variant behind its name. A
//! macro body of another form is passed over.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, LitStr, Token, Type, Visibility, braced, parenthesized};

/// A field as a macro declares it.
pub(super) struct FieldDeclaration {
    pub(super) attributes: Vec<Attribute>,
    pub(super) is_public: bool,
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) wire: Option<String>,
}

/// A variant as a macro declares it.
pub(super) struct VariantDeclaration {
    pub(super) attributes: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) payload: Vec<Type>,
    pub(super) wire: Option<String>,
}

/// One type of a macro body.
pub(super) struct Declaration {
    pub(super) name: Ident,
    pub(super) is_public: bool,
    pub(super) fields: Vec<FieldDeclaration>,
    pub(super) variants: Vec<VariantDeclaration>,
}

/// All types of a macro body.
pub(super) struct Declarations(pub(super) Vec<Declaration>);

impl Parse for Declarations {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            all.push(input.parse()?);
        }
        Ok(Self(all))
    }
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Attribute::parse_outer(input)?;
        let visibility: Visibility = input.parse()?;
        let is_enum = input.peek(Token![enum]);
        if is_enum {
            input.parse::<Token![enum]>()?;
        } else {
            input.parse::<Token![struct]>()?;
        }
        let name = input.parse()?;
        let body;
        braced!(body in input);
        let mut declaration = Self {
            name,
            is_public: matches!(visibility, Visibility::Public(_)),
            fields: Vec::new(),
            variants: Vec::new(),
        };
        if is_enum {
            let list = Punctuated::<VariantDeclaration, Token![,]>::parse_terminated(&body)?;
            declaration.variants = list.into_iter().collect();
        } else {
            let list = Punctuated::<FieldDeclaration, Token![,]>::parse_terminated(&body)?;
            declaration.fields = list.into_iter().collect();
        }
        Ok(declaration)
    }
}

impl Parse for FieldDeclaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = Attribute::parse_outer(input)?;
        let visibility: Visibility = input.parse()?;
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        Ok(Self {
            attributes,
            is_public: matches!(visibility, Visibility::Public(_)),
            name,
            ty: input.parse()?,
            wire: wire_name(input)?,
        })
    }
}

impl Parse for VariantDeclaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = Attribute::parse_outer(input)?;
        let name = input.parse()?;
        let mut payload = Vec::new();
        if input.peek(syn::token::Paren) {
            let inside;
            parenthesized!(inside in input);
            let types = Punctuated::<Type, Token![,]>::parse_terminated(&inside)?;
            payload.extend(types);
        }
        Ok(Self {
            attributes,
            name,
            payload,
            wire: wire_name(input)?,
        })
    }
}

fn wire_name(input: ParseStream<'_>) -> syn::Result<Option<String>> {
    if !input.peek(Token![=]) {
        return Ok(None);
    }
    input.parse::<Token![=]>()?;
    Ok(Some(input.parse::<LitStr>()?.value()))
}
