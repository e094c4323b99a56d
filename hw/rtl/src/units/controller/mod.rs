//! Command fetch, dispatch, queues, tokens, bank ports.
