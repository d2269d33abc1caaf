//! Messages on the wire.

use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

/// Takes a request that is shared with a later attempt, so that a batch is not copied for a repetition that hardly
/// ever comes.
#[derive(Debug)]
pub(super) struct SharedCodec<Request, Response>(PhantomData<fn(Request) -> Response>);

impl<Request, Response> SharedCodec<Request, Response> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Request, Response> Codec for SharedCodec<Request, Response>
where
    Request: Message + 'static,
    Response: Message + Default + 'static,
{
    type Encode = Arc<Request>;
    type Decode = Response;
    type Encoder = SharedEncoder<Request>;
    type Decoder = ProstDecoder<Response>;

    fn encoder(&mut self) -> Self::Encoder {
        SharedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}

#[derive(Debug)]
pub(super) struct SharedEncoder<Request>(PhantomData<fn(Request)>);

impl<Request: Message> Encoder for SharedEncoder<Request> {
    type Item = Arc<Request>;
    type Error = Status;

    fn encode(&mut self, request: Arc<Request>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request
            .encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
