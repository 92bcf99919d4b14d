//! Who does what for the card's application: PINs one part, files and wrapped keys another, all else trussed itself.

use trussed::backend::{Backend, BackendId};
use trussed::platform::Platform;
use trussed::serde_extensions::{ExtensionDispatch, ExtensionId, ExtensionImpl};
use trussed::service::ServiceResources;
use trussed::types::Context;
use trussed_auth::AuthExtension;
use trussed_auth_backend::{AuthBackend, AuthContext, FilesystemLayout};
use trussed_chunked::ChunkedExtension;
use trussed_core::Error;
use trussed_core::api::{Reply, Request, reply, request};
use trussed_core::types::{Bytes, Location};
use trussed_hpke::HpkeExtension;
use trussed_staging::{StagingBackend, StagingContext};
use trussed_wrap_key_to_file::WrapKeyToFileExtension;

/// Who is asked, in this order.
pub const BACKENDS: &[BackendId<Who>] = &[BackendId::Custom(Who::Files), BackendId::Custom(Who::Pins), BackendId::Core];

#[derive(Debug, Clone, Copy)]
pub enum Who {
    Files,
    Pins,
}

/// What trussed itself cannot do.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub enum What {
    Pins,
    Chunks,
    Hpke,
    Wrapping,
}

impl From<What> for u8 {
    fn from(what: What) -> Self {
        what as Self
    }
}

impl TryFrom<u8> for What {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        [Self::Pins, Self::Chunks, Self::Hpke, Self::Wrapping]
            .get(usize::from(number))
            .copied()
            .ok_or(Error::InternalError)
    }
}

impl ExtensionId<AuthExtension> for Backends {
    type Id = What;
    const ID: What = What::Pins;
}

impl ExtensionId<ChunkedExtension> for Backends {
    type Id = What;
    const ID: What = What::Chunks;
}

impl ExtensionId<HpkeExtension> for Backends {
    type Id = What;
    const ID: What = What::Hpke;
}

impl ExtensionId<WrapKeyToFileExtension> for Backends {
    type Id = What;
    const ID: What = What::Wrapping;
}

/// What they remember between requests.
#[derive(Default)]
pub struct Kept {
    pins: AuthContext,
    files: StagingContext,
}

pub struct Backends {
    pins: AuthBackend,
    files: StagingBackend,
}

impl Backends {
    pub fn new() -> Self {
        let key = Bytes::try_from(b"no secret at all".as_slice()).expect("it is short");
        Self {
            pins: AuthBackend::with_hw_key(Location::Internal, key, FilesystemLayout::V0),
            files: StagingBackend::new(),
        }
    }

    /// Asks for an extension of files and wrapped keys.
    fn of_files<E, P: Platform>(
        &mut self,
        context: &mut Context<Kept>,
        request: &request::SerdeExtension,
        resources: &mut ServiceResources<P>,
    ) -> Result<reply::SerdeExtension, Error>
    where
        E: trussed_core::serde_extensions::Extension,
        StagingBackend: ExtensionImpl<E, Context = StagingContext>,
    {
        let Context { core, backends, .. } = context;
        ExtensionImpl::<E>::extension_request_serialized(&mut self.files, core, &mut backends.files, request, resources)
    }
}

impl ExtensionDispatch for Backends {
    type BackendId = Who;
    type Context = Kept;
    type ExtensionId = What;

    fn core_request<P: Platform>(
        &mut self,
        who: &Who,
        Context { core, backends, .. }: &mut Context<Kept>,
        request: &Request,
        resources: &mut ServiceResources<P>,
    ) -> Result<Reply, Error> {
        match who {
            Who::Pins => self.pins.request(core, &mut backends.pins, request, resources),
            Who::Files => self.files.request(core, &mut backends.files, request, resources),
        }
    }

    fn extension_request<P: Platform>(
        &mut self,
        who: &Who,
        what: &What,
        context: &mut Context<Kept>,
        request: &request::SerdeExtension,
        resources: &mut ServiceResources<P>,
    ) -> Result<reply::SerdeExtension, Error> {
        match (who, what) {
            (Who::Pins, What::Pins) => {
                let Context { core, backends, .. } = context;
                self.pins.extension_request_serialized(core, &mut backends.pins, request, resources)
            }
            (Who::Files, What::Chunks) => self.of_files::<ChunkedExtension, P>(context, request, resources),
            (Who::Files, What::Hpke) => self.of_files::<HpkeExtension, P>(context, request, resources),
            (Who::Files, What::Wrapping) => self.of_files::<WrapKeyToFileExtension, P>(context, request, resources),
            _ => Err(Error::RequestNotAvailable),
        }
    }
}
