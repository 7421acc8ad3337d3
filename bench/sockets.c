#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "measure.h"
#include "sockets.h"

int dial(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int one = 1, dialed = socket(AF_INET, SOCK_STREAM, 0);
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("no IPv4 address");
  if (connect(dialed, (struct sockaddr *)&address, sizeof address)) die("connect");
  setsockopt(dialed, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return dialed;
}

void sendAll(int to, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) die("send");
    bytes += sent;
    length -= sent;
  }
}

void receiveAll(int from, uint8_t *bytes, size_t length) {
  if (length > 0 && recv(from, bytes, length, MSG_WAITALL) != (ssize_t)length) die("receive");
}
