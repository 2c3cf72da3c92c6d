#pragma once

namespace nuncio::api {

// Makes the linker keep every xDS message and service of api/, so that the generated pool knows them all: an Any
// can then be read and printed by its type URL, and gRPC reflection finds the services. Call it once before that;
// any thread, any number of times.
void LinkAllMessages();

}  // namespace nuncio::api
