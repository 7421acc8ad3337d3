/* The calls of one real boot, in order, by each connection as one node. The list is made by trace.ts:
 *   node<tab>PARENT<tab>NAME                   number 1 and up; 0 is the root
 *   call<tab>OUTSTANDING<tab>PROCEDURE<tab>NODE<tab>CHILD<tab>STATUS<tab>OFFSET<tab>COUNT<tab>LENGTH<tab>NAME
 * OUTSTANDING: how many calls the node had under way when it sent this one, itself included. */
#define _GNU_SOURCE
#include "load.h"

typedef struct { int parent, firstChild, sibling; char *name; } Node;
typedef struct {
  int outstanding, node, child;
  uint32_t procedure, status, count, length;
  uint64_t offset;
  char *name;
} Call;

static Node *nodes;
static Call *calls;
static int nodeCount = 1, callCount;

static void *grown(void *list, int count, size_t size) {
  if (count & (count - 1)) return list;
  list = realloc(list, (size_t)(count ? count * 2 : 1) * size);
  return list ? list : (die("memory"), list);
}

static void addNode(char *fields) {
  nodes = grown(nodes, nodeCount, sizeof(Node));
  Node *node = &nodes[nodeCount];
  node->parent = atoi(strsep(&fields, "\t"));
  node->name = strdup(fields);
  node->firstChild = 0;
  node->sibling = nodes[node->parent].firstChild;
  nodes[node->parent].firstChild = nodeCount++;
}

static void addCall(char *fields) {
  calls = grown(calls, callCount, sizeof(Call));
  Call *call = &calls[callCount++];
  call->outstanding = atoi(strsep(&fields, "\t"));
  call->procedure = atoi(strsep(&fields, "\t"));
  call->node = atoi(strsep(&fields, "\t"));
  call->child = atoi(strsep(&fields, "\t"));
  call->status = atoi(strsep(&fields, "\t"));
  call->offset = strtoull(strsep(&fields, "\t"), NULL, 10);
  call->count = atoi(strsep(&fields, "\t"));
  call->length = atoi(strsep(&fields, "\t"));
  call->name = strdup(fields);
}

void openTrace(void) {
  nodes = calloc(1, sizeof(Node));
  FILE *list = fopen(options.list, "r");
  if (!list) die(options.list);
  char line[1024];
  while (fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    char *fields = line;
    char *kind = strsep(&fields, "\t");
    if (!strcmp(kind, "node")) addNode(fields);
    else addCall(fields);
  }
  fclose(list);
}

void startTrace(Conn *conn) {
  conn->known = calloc(nodeCount, sizeof(Known));
  conn->known[0].handle = root;
}

int traceEnded(const Conn *conn) { return conn->next == callCount && conn->inFlight == 0; }

/* What the trace's node knew from elsewhere: the first part of the way there that is unknown is looked up. */
static void lookUpMissing(Conn *conn, int node) {
  while (conn->known[nodes[node].parent].handle.length == 0) node = nodes[node].parent;
  Out out;
  Slot *slot = beginNext(conn, LOOKUP, &out);
  slot->learns = node;
  putHandle(&out, &conn->known[nodes[node].parent].handle);
  putOpaque(&out, nodes[node].name, strlen(nodes[node].name));
  endNext(conn, &out);
  counters.added++;
}

static void issue(Conn *conn, const Call *call) {
  Out out;
  Slot *slot = beginNext(conn, call->procedure, &out);
  Known *known = &conn->known[call->node];
  slot->status = call->status;
  slot->length = call->length;
  slot->node = call->node;
  slot->learns = call->child;
  if (call->procedure != NULL_) putHandle(&out, &known->handle);
  if (call->procedure == LOOKUP) putOpaque(&out, call->name, strlen(call->name));
  if (call->procedure == ACCESS) put32(&out, 0x3f);
  if (call->procedure == READ) {
    put64(&out, call->offset);
    put32(&out, call->count);
  }
  if (call->procedure == READDIRPLUS) {
    if (call->offset == 0) *known = (Known){.handle = known->handle};
    put64(&out, known->cookie);
    memcpy(out.at, known->verifier, 8);
    out.at += 8;
    put32(&out, PAGE_BYTES);
    put32(&out, PAGE_BYTES);
  }
  endNext(conn, &out);
}

void nextTrace(Conn *conn) {
  while (conn->next < callCount) {
    const Call *call = &calls[conn->next];
    int most = call->outstanding < options.depth ? call->outstanding : options.depth;
    if (conn->inFlight >= most) return;
    if (conn->known[call->node].handle.length == 0) {
      /* An answer that is under way may bring it. */
      if (conn->inFlight == 0) lookUpMissing(conn, call->node);
      return;
    }
    issue(conn, call);
    conn->next++;
  }
}

static void learnPage(Conn *conn, int node, In *in) {
  skipAttributes(in);
  memcpy(conn->known[node].verifier, take(in, 8), 8);
  while (get32(in) && !in->bad) {
    get64(in);
    uint32_t length = get32(in);
    const char *name = (const char *)take(in, ((size_t)length + 3) & ~3u);
    conn->known[node].cookie = get64(in);
    skipAttributes(in);
    Handle handle = {0};
    if (get32(in)) getHandle(in, &handle);
    if (in->bad || handle.length == 0) continue;
    for (int child = nodes[node].firstChild; child; child = nodes[child].sibling) {
      if (strlen(nodes[child].name) != length || memcmp(nodes[child].name, name, length)) continue;
      conn->known[child].handle = handle;
    }
  }
  get32(in);
}

/* Handles out of a good reply to LOOKUP and READDIRPLUS, from behind the status. */
void learn(Conn *conn, const Slot *slot, In *in) {
  if (slot->procedure == LOOKUP && slot->learns >= 0) getHandle(in, &conn->known[slot->learns].handle);
  if (slot->procedure == READDIRPLUS) learnPage(conn, slot->node, in);
}
