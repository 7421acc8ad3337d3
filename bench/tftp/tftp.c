/* TFTP clients: RFC 1350 with blksize (RFC 2348) and windowsize (RFC 7440). What is out of order is dropped. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

enum { RRQ = 1, DATA = 3, ACK = 4, ERROR = 5, OACK = 6, REQUEST_BYTES_MAX = 512, PATIENCE_S = 1 };

typedef struct {
  int socket;
  struct sockaddr_in server; /* its transfer's port, once it answered */
  size_t offset;
  uint16_t block; /* the last one in order */
  int inWindow, blockBytes, windowBlocks;
  uint8_t said[REQUEST_BYTES_MAX]; /* again where the server is silent */
  int saidBytes;
  double heard, began;
} Client;

static Client *clients;
static int polling;

static void say(Client *client) {
  sendto(client->socket, client->said, client->saidBytes, 0, (struct sockaddr *)&client->server, sizeof client->server);
}

static void acknowledge(Client *client) {
  uint8_t ack[] = {0, ACK, client->block >> 8, client->block};
  memcpy(client->said, ack, client->saidBytes = sizeof ack);
  client->inWindow = 0;
  say(client);
}

/* From another port each time, as firmware does. */
static void begin(Client *client) {
  int number = client - clients, bufferBytes = 1 << 20;
  if (client->socket > 0) close(client->socket);
  int opened = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (opened < 0) die("socket");
  setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &bufferBytes, sizeof bufferBytes);
  *client = (Client){.socket = opened, .blockBytes = 512, .windowBlocks = 1, .heard = now, .began = now};
  client->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options.port)};
  inet_pton(AF_INET, options.host, &client->server.sin_addr);
  client->said[1] = RRQ;
  client->saidBytes = 2 + snprintf((char *)client->said + 2, REQUEST_BYTES_MAX - 2, "%s%coctet%cblksize%c%d%cwindowsize%c%d",
                                   options.name, 0, 0, 0, options.blockBytes, 0, 0, options.windowBlocks) + 1;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  epoll_ctl(polling, EPOLL_CTL_ADD, opened, &event);
  say(client);
}

/* A server that does not know windowsize leaves it out. */
static void takeOptions(Client *client, char *text, const char *end) {
  while (text < end) {
    char *value = text + strlen(text) + 1;
    if (value >= end) fail("half an option");
    if (!strcasecmp(text, "blksize")) client->blockBytes = atoi(value);
    if (!strcasecmp(text, "windowsize")) client->windowBlocks = atoi(value);
    text = value + strlen(value) + 1;
  }
  acknowledge(client);
}

static void takeData(Client *client, const uint8_t *datagram, int length) {
  uint16_t block = datagram[2] << 8 | datagram[3];
  if (block != (uint16_t)(client->block + 1)) return;
  judge(client->offset, datagram + 4, length - 4);
  client->offset += length - 4;
  client->block = block;
  int isLast = length - 4 < client->blockBytes;
  if (isLast || ++client->inWindow == client->windowBlocks) acknowledge(client);
  if (!isLast) return;
  if (client->offset != options.bytes) counters.errors++;
  tookSeconds(now - client->began);
  begin(client);
}

static void take(int number) {
  static uint8_t datagram[65536];
  Client *client = &clients[number];
  for (int transfer = client->socket; client->socket == transfer;) {
    socklen_t size = sizeof client->server;
    int length = recvfrom(client->socket, datagram, sizeof datagram - 1, 0, (struct sockaddr *)&client->server, &size);
    if (length < 4) return;
    client->heard = now;
    datagram[length] = 0;
    if (datagram[1] == OACK) takeOptions(client, (char *)datagram + 2, (char *)datagram + length);
    else if (datagram[1] == DATA) takeData(client, datagram, length);
    else fail((char *)datagram + 4);
  }
}

static void look(void) {
  for (int i = 0; i < options.clients; i++) {
    Client *client = &clients[i];
    if (now - client->heard < PATIENCE_S) continue;
    client->heard = now;
    if (client->said[1] == ACK) acknowledge(client);
    else say(client);
  }
}

/* An ERROR ends each transfer (RFC 1350 §7): it would be sent again and again, and given up. */
static void rest(void) {
  static const uint8_t error[] = {0, ERROR, 0, 0, 0};
  for (int i = 0; i < options.clients; i++) {
    Client *client = &clients[i];
    sendto(client->socket, error, sizeof error, 0, (struct sockaddr *)&client->server, sizeof client->server);
  }
}

static void openAll(int poll) {
  polling = poll;
  if (!clients) clients = calloc(options.clients, sizeof(Client));
  for (int i = 0; i < options.clients; i++) begin(&clients[i]);
}

const Protocol tftp = {openAll, take, look, rest};
