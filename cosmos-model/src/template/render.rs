//! Rendering templates, and looking at conditions, for one host.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::looked_at::{LookedAt, Seen};
use super::{FUEL, LARGEST_OUTPUT, LARGEST_TEMPLATE, functions, sealed, values};
use crate::document::Mistake;
use crate::escape;
use crate::facts::Facts;
use crate::host_name::HostName;
use crate::layer::Port;
use crate::params::{Condition, Demand, Setting, Settings};
use crate::secret::Piece;
use crate::triggers::WantedPort;

/// A template of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// Its file, for messages.
    pub place: &'a str,
    /// Its text.
    pub text: &'a [u8],
    /// The module whose layer it lies in.
    pub module: Option<&'a str>,
}

/// What a template became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// A file of these bytes.
    File(String),
    /// A file in which secrets are printed, by their paths.
    Secret(Vec<Piece<String>>),
    /// No file: the template said so.
    Absent,
}

/// Everything that the templates of one host see.
pub struct Renderer<'a> {
    environment: Environment<'a>,
    settings: &'a [Settings],
    params: BTreeMap<&'a str, Value>,
    modules: Value,
    facts: Value,
    host: Value,
    seen: Arc<Seen>,
}

impl<'a> Renderer<'a> {
    /// Prepares what the templates of `host` see; without `facts`, all of them are unknown.
    #[must_use]
    pub fn new(host: &HostName, facts: Option<&Facts>, settings: &'a [Settings]) -> Self {
        let seen = Arc::new(Seen::default());
        let params: BTreeMap<&str, Value> =
            settings.iter().map(|one| (one.module.as_str(), values::settings(one))).collect();
        let modules = params.iter().map(|(name, value)| (crate::params::in_templates(name), value.clone()));
        Self {
            modules: Value::from_pairs(modules.collect::<Vec<_>>()),
            environment: environment(&seen),
            params,
            facts: Value::from_object(LookedAt { facts: facts.cloned(), seen: seen.clone() }),
            host: values::host(host),
            settings,
            seen,
        }
    }

    /// Renders one template.
    ///
    /// # Errors
    /// Returns the mistake, with the template's line.
    pub fn render(&self, template: &Template<'_>) -> Result<Rendered, Mistake> {
        let at = |text: String| Mistake::at(template.place, text, "mend the template");
        if template.text.len() > LARGEST_TEMPLATE {
            return Err(at(format!("a template has at most {} KiB", LARGEST_TEMPLATE >> 10)));
        }
        let text = core::str::from_utf8(template.text).map_err(|_| at(String::from("this is not UTF-8 text")))?;
        if sealed::is_marked(text) {
            return Err(at(String::from(NO_CHARACTER)));
        }
        self.seen.begin();
        let rendered = self.environment.render_str(text, self.context(template.module, []));
        let rendered = rendered.map_err(|error| self.mistake(template, text, &error))?;
        if rendered.len() > LARGEST_OUTPUT {
            return Err(at(too_long()));
        }
        if self.seen.misused.load(Ordering::Relaxed) {
            return Err(at(String::from(ONLY_PRINTED)));
        }
        let is = |what: &AtomicBool| what.load(Ordering::Relaxed);
        Ok(match (is(&self.seen.absent), is(&self.seen.secret)) {
            (true, _) => Rendered::Absent,
            (false, true) => Rendered::Secret(sealed::pieces(&rendered)),
            (false, false) => Rendered::File(rendered),
        })
    }

    /// Returns the conditions of `module` that do not hold; `home` is the host's file.
    #[must_use]
    pub fn broken(&self, module: &str, conditions: &[Condition], home: &str) -> Vec<Mistake> {
        let Some(settings) = self.settings.iter().find(|one| one.module == module) else { return Vec::new() };
        conditions.iter().flat_map(|condition| self.look(settings, condition, home)).collect()
    }

    /// Works out where a service listens; `None` where that depends on an unknown fact.
    ///
    /// # Errors
    /// Returns the mistake, at the table's place.
    pub fn port(&self, module: Option<&str>, port: &Port) -> Result<Option<WantedPort>, Mistake> {
        let at = |text: String| Mistake::at(port.place.as_str(), text, "mend the expression");
        let value = |expression: &str| {
            self.seen.begin();
            let value = self.environment.compile_expression_owned(expression.to_string());
            let value = value.and_then(|compiled| compiled.eval(self.context(module, [])));
            let unknown = self.seen.unknown.load(Ordering::Relaxed);
            if unknown { Ok(None) } else { value.map(Some) }
                .map_err(|error| at(format!("cannot work out '{}': {}", shown(expression), said(&error))))
        };
        let Some(number) = value(&port.number)? else { return Ok(None) };
        let number = u16::try_from(number.clone()).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| at(format!("'{}' is no port", shown(&port.number))))?;
        let mut addresses = Vec::new();
        if let Some(expression) = &port.addresses {
            let Some(list) = value(expression)? else { return Ok(None) };
            let list: Vec<Value> = list.try_iter().map(Iterator::collect).unwrap_or_default();
            let read = crate::triggers::addresses(list.iter().map(|one| one.as_str().unwrap_or_default()));
            addresses = read.map_err(|text| at(format!("'{}' is no address", shown(&text))))?;
            if addresses.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(WantedPort { service: port.service.clone(), number, addresses }))
    }

    /// Returns the names of the facts that templates and conditions looked at so far.
    #[must_use]
    pub fn facts_seen(&self) -> BTreeSet<String> {
        self.seen.facts()
    }

    fn context<const N: usize>(&self, module: Option<&str>, more: [(&str, Value); N]) -> Value {
        let params = module.and_then(|module| self.params.get(module));
        let known = [("modules", &self.modules), ("facts", &self.facts), ("host", &self.host)];
        let known = known.into_iter().chain(params.map(|params| ("params", params)));
        Value::from_pairs(known.map(|(name, value)| (name, value.clone())).chain(more).collect::<Vec<_>>())
    }

    fn look(&self, settings: &Settings, condition: &Condition, home: &str) -> Vec<Mistake> {
        let named = |name: &str| settings.params.iter().find(|setting| setting.name == name);
        let about = condition.about.as_deref().or(condition.each.as_deref()).and_then(named);
        let about = about.or_else(|| settings.params.iter().find(|setting| setting.winner.1.is_some()));
        let wrong = |text: String| {
            let place = about.and_then(|setting: &Setting| setting.winner.1.as_deref()).unwrap_or(home);
            Mistake::at(place, text, about.map(|setting| setting.doc.clone()).unwrap_or_default())
        };
        let (expression, message) = match &condition.demand {
            Demand::OneOf(names) => {
                let given = names.iter().filter_map(|name| named(name));
                let given = given.filter(|setting| setting.winner.0 != crate::params::Value::Absent).count();
                let text = format!("exactly one of {} must be given, not {given}", listed(&settings.module, names));
                return if given == 1 { Vec::new() } else { [wrong(text)].into() };
            }
            Demand::That { expression, message } => (expression, message),
        };
        let entries = match condition.each.as_deref() {
            None => [self.context(Some(&settings.module), [])].into(),
            Some(name) => self.entries(settings, name),
        };
        let mut broken = Vec::new();
        for context in entries {
            match self.holds(expression, message, context) {
                Ok(None) => (),
                Ok(Some(text)) => broken.push(wrong(text)),
                Err(error) => {
                    let text = format!("cannot look at the condition '{}': {}", shown(expression), said(&error));
                    return [Mistake::at(condition.place.as_str(), text, "mend the expression")].into();
                }
            }
        }
        broken
    }

    /// Returns what is wrong where the expression is not true; one that needs an unknown fact is left alone.
    fn holds(&self, expression: &str, message: &str, context: Value) -> Result<Option<String>, Error> {
        self.seen.begin();
        let held = self.environment.compile_expression_owned(expression.to_string())?.eval(context.clone());
        if self.seen.unknown.load(Ordering::Relaxed) || held?.is_true() {
            return Ok(None);
        }
        self.environment.render_str(message, context).map(|text| Some(shown(&text)))
    }

    /// Returns what a condition sees for each entry of a list or table.
    fn entries(&self, settings: &Settings, name: &str) -> Vec<Value> {
        let with = |key: Value, item: &crate::params::Value| {
            self.context(Some(&settings.module), [("key", key), ("item", values::value(item))])
        };
        let winner = settings.params.iter().find(|setting| setting.name == name).map(|setting| &setting.winner.0);
        match winner {
            Some(crate::params::Value::List(items)) => {
                items.iter().enumerate().map(|(at, item)| with(Value::from(at), item)).collect()
            }
            Some(crate::params::Value::Table(table)) => {
                table.iter().map(|(key, item)| with(Value::from(key.as_str()), item)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Says what is wrong with a template, and in which line.
    fn mistake(&self, template: &Template<'_>, text: &str, error: &Error) -> Mistake {
        let line = error.line().unwrap_or(1);
        let place = format!("{}:{line}", template.place);
        let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
        let (text, module) = (format!("{} in '{}'", said(error), shown(source)), template.module);
        let settings = module.and_then(|module| self.settings.iter().find(|one| one.module == module));
        let hint = match (error.kind(), settings) {
            (ErrorKind::UndefinedError, _) if source.contains("facts.") => {
                String::from("'cosmos facts' shows those that there are")
            }
            (ErrorKind::UndefinedError, Some(settings)) => format!("its parameters: {}", names_of(settings)),
            (ErrorKind::UndefinedError, None) => {
                String::from("this layer declares no parameters; those of a module are modules.NAME.PARAMETER")
            }
            _ => String::from("mend the template"),
        };
        Mistake::at(place, text, hint)
    }
}

/// What is said of a secret that is cut, joined, captured or compared.
const ONLY_PRINTED: &str = "a secret can only be printed as it is: {{ secret('…') }}";

/// What is said of a text that could be taken for a secret's place.
const NO_CHARACTER: &str = "U+10FFFE is no character";

fn environment<'a>(seen: &Arc<Seen>) -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(syntax());
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    functions::add_to(&mut environment, seen);
    let seen = seen.clone();
    environment.set_formatter(move |output, _, value| {
        if value.is_none() {
            let text = "a value that is absent is not printed; ask for it with {% if … is not none %} first";
            return Err(Error::new(ErrorKind::InvalidOperation, text));
        }
        // The engine writes a bool as Python does; no configuration file wants that.
        let text = match sealed::printed(value) {
            Some(secret) => secret,
            None if value.kind() == ValueKind::Bool => value.is_true().to_string(),
            None => Some(value.to_string()).filter(|text| !sealed::is_marked(text)).ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("{ONLY_PRINTED}, and U+10FFFE not at all"))
            })?,
        };
        if seen.written.fetch_add(text.len(), Ordering::Relaxed) + text.len() > LARGEST_OUTPUT {
            return Err(Error::new(ErrorKind::InvalidOperation, too_long()));
        }
        output.write_str(&text).map_err(Error::from)
    });
    environment
}

/// Tags that stand alone on their line leave no line behind, and the template's last line break stays.
fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    builder.build().expect("the delimiters are the engine's own")
}

fn too_long() -> String {
    format!("what a template becomes has at most {} KiB", LARGEST_OUTPUT >> 10)
}

/// Returns the error in words, without the line that is said elsewhere.
fn said(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    shown(&format!("{}{detail}", error.kind()))
}

fn shown(text: &str) -> String {
    escape::for_terminal(text.as_bytes())
}

fn names_of(settings: &Settings) -> String {
    let names = settings.params.iter().map(|setting| format!("params.{}", crate::params::in_templates(&setting.name)));
    names.collect::<Vec<_>>().join(", ")
}

fn listed(module: &str, names: &[String]) -> String {
    names.iter().map(|name| format!("'params.{module}.{name}'")).collect::<Vec<_>>().join(", ")
}
