//! Every store port over RPC: [`RemoteStore`] on the side of the nodes, and [`Serve`], which offers any store, on
//! that of the backend services.

mod proto;
