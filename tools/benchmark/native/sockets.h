#pragma once

#include <cstdint>

namespace nuncio::benchmark {

// All sockets are non-blocking, on 127.0.0.1, and without Nagle's delay. What cannot fail in a sound set-up ends the
// program with a line on standard error.

[[noreturn]] void Die(const char* what);

// Nanoseconds of the monotonic clock.
int64_t Now();

// As many descriptors as the system lets this process have.
void RaiseDescriptorLimit();

// Port 0: any.
int Listen(uint16_t port);
uint16_t PortOf(int fd);

// What is left to be sent is dropped when the socket is closed, and no port waits for late segments.
void ResetOnClose(int fd);

// < 0: nobody waits.
int Accept(int listener);

// < 0: refused at once, or no port is left.
int Connect(uint16_t port);

// A port number from the command line.
uint16_t ParsePort(const char* text);

}  // namespace nuncio::benchmark
