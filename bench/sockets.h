/* TCP as the loads use it. What one session has outstanding always fits its buffers, so that sending may block. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stddef.h>
#include <stdint.h>

int dial(const char *host, int port);
void sendAll(int to, const uint8_t *bytes, size_t length);
void receiveAll(int from, uint8_t *bytes, size_t length);

#endif
