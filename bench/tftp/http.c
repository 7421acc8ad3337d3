/* HTTP clients: each gets the file on one connection, again and again (RFC 9112, Content-Length). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "load.h"

enum { INPUT_BYTES = 1 << 20 };

typedef struct {
  int socket;
  int isBody; /* after the head, which comes in one piece */
  size_t offset;
  double began;
} Client;

static Client *clients;
static uint8_t input[INPUT_BYTES + 1];

static void ask(Client *client) {
  char request[512];
  int length = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", options.name, options.host);
  client->isBody = 0;
  client->offset = 0;
  client->began = now;
  sendAll(client->socket, (uint8_t *)request, length);
}

static void take(int number) {
  Client *client = &clients[number];
  ssize_t length = recv(client->socket, input, INPUT_BYTES, MSG_DONTWAIT);
  if (length <= 0) die("the server hung up");
  uint8_t *bytes = input, *end = input + length;
  if (!client->isBody) {
    *end = 0;
    char *head = strstr((char *)input, "\r\n\r\n");
    if (!head || strncmp((char *)input, "HTTP/1.1 200", 12)) fail("no HTTP head with status 200");
    bytes = (uint8_t *)head + 4;
    client->isBody = 1;
  }
  judge(client->offset, bytes, end - bytes);
  client->offset += end - bytes;
  if (client->offset < options.bytes) return;
  tookSeconds(now - client->began);
  ask(client);
}

static void look(void) {}

/* What was asked for waits in the connections. */
static void rest(void) {}

static void openAll(int poll) {
  if (clients) return;
  clients = calloc(options.clients, sizeof(Client));
  for (int i = 0; i < options.clients; i++) {
    clients[i].socket = dial(options.host, options.port);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].socket, &event);
    ask(&clients[i]);
  }
}

const Protocol http = {openAll, take, look, rest};
