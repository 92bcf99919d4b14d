//! An OpenPGP card without hardware: the firmware of real tokens, in the reader that vpcd offers on this computer.
//!
//! It forgets everything when it ends. The PIN is 123456, that of the administrator 12345678, as on a new card.

mod backends;

use iso7816::command::FromSliceError;
use iso7816::{Command, Instruction, Status};
use opcard::{Card, Options};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;
use trussed::pipe::TrussedChannel;
use trussed::virt::{Client, Runner, Store, StoreConfig, UserInterface};
use vpicc::VSmartCard;

use backends::{BACKENDS, Backends};

/// The longest command and answer, in bytes, as the firmware has it.
const LONGEST: usize = 7609;

/// The computer in place of a token's chip.
struct Chip<'a> {
    random: ChaCha8Rng,
    store: Store<'a>,
    user: UserInterface,
}

impl<'a> trussed::platform::Platform for Chip<'a> {
    type R = ChaCha8Rng;
    type S = Store<'a>;
    type UI = UserInterface;

    fn user_interface(&mut self) -> &mut UserInterface {
        &mut self.user
    }

    fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.random
    }

    fn store(&self) -> Store<'a> {
        self.store
    }
}

/// The card in the reader: commands come in pieces and answers are fetched in pieces.
struct Slot<C: opcard::Client> {
    card: Card<C>,
    /// A command whose last piece has not come.
    begun: Option<Command<LONGEST>>,
    /// What is left of an answer, in reverse.
    answer: heapless::Vec<u8, LONGEST>,
}

impl<C: opcard::Client> Slot<C> {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Status> {
        let piece = Command::<LONGEST>::try_from(bytes).map_err(|error| match error {
            FromSliceError::InvalidClass => Status::ClassNotSupported,
            _ => Status::WrongLength,
        })?;
        let is_last = piece.class().chain().last_or_only();
        let whole = match self.begun.take() {
            Some(mut begun) => {
                begun.extend_from_command(&piece).map_err(|_| Status::WrongLength)?;
                begun
            }
            None => piece,
        };
        if !is_last {
            self.begun = Some(whole);
            return Ok(Vec::new());
        }
        if whole.instruction() != Instruction::GetResponse {
            self.answer.clear();
            self.card.handle(whole.as_view(), &mut self.answer)?;
            self.answer.reverse();
        }
        let wanted = match whole.expected() {
            0 => 256,
            wanted => wanted,
        };
        Ok((0..wanted).map_while(|_| self.answer.pop()).collect())
    }
}

impl<C: opcard::Client> VSmartCard for Slot<C> {
    fn power_off(&mut self) {
        self.card.reset();
    }

    fn reset(&mut self) {
        self.card.reset();
    }

    fn execute(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (mut said, status) = match self.take(bytes) {
            Ok(said) if self.answer.is_empty() => (said, Status::Success),
            Ok(said) => (said, Status::MoreAvailable(u8::try_from(self.answer.len()).unwrap_or(u8::MAX))),
            Err(status) => (Vec::new(), status),
        };
        said.extend(<[u8; 2]>::from(status));
        said
    }
}

fn main() -> std::io::Result<()> {
    let reader = vpicc::connect()?;
    StoreConfig::ram().with_store(|store| {
        let channel = TrussedChannel::new();
        let (requester, responder) = channel.split().expect("it is split once");
        let mut runner = Runner::new();
        runner.add_endpoint(responder, "opcard", BACKENDS);
        let client: Client<'_, Backends> = Client::new(requester, runner.syscall(), None);
        let chip = Chip { random: ChaCha8Rng::from_entropy(), store, user: UserInterface::new() };
        runner.run(chip, Backends::new(), || {
            let mut options = Options::default();
            // Nobody is there to touch anything.
            options.button_available = false;
            reader.run(&mut Slot { card: Card::new(client, options), begun: None, answer: heapless::Vec::new() })
        })
    })
}
