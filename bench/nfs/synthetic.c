/* Work of one kind, or a mixture, on the files of a list: `SIZE<tab>PATH` a line. */
#include <unistd.h>
#include "load.h"

typedef struct { Handle directory, handle; char name[256]; uint64_t size; } File;

static File *files;
static int fileCount;

static uint32_t lookUp(int socket, const Handle *directory, const char *name, Handle *found) {
  uint8_t buffer[CALL_BYTES_MAX];
  Out out = beginCall(buffer, 1, NFS, LOOKUP);
  putHandle(&out, directory);
  putOpaque(&out, name, strlen(name));
  In in = callAndWait(socket, &out);
  uint32_t status = get32(&in);
  if (status == 0) getHandle(&in, found);
  return status;
}

static void resolve(int socket, const char *path, Handle *found) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", path);
  *found = root;
  for (char *name = strtok(copy, "/"); name; name = strtok(NULL, "/")) {
    Handle directory = *found;
    if (lookUp(socket, &directory, name, found)) fail(path);
  }
}

void openSynthetic(void) {
  FILE *list = fopen(options.list, "r");
  if (!list) die(options.list);
  int socket = dialServer(options.port);
  char line[4400], last[4096] = "";
  Handle directory = root;
  int room = 0;
  while (fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    char *path = strchr(line, '\t');
    char *name = path ? strrchr(path, '/') : NULL;
    if (!name) fail(line);
    if (fileCount == room) files = realloc(files, (room = room * 2 + 256) * sizeof(File));
    File *file = &files[fileCount++];
    file->size = strtoull(line, NULL, 10);
    snprintf(file->name, sizeof file->name, "%s", name + 1);
    *name = 0;
    if (strcmp(last, path + 1)) {
      resolve(socket, path + 1, &directory);
      snprintf(last, sizeof last, "%s", path + 1);
    }
    file->directory = directory;
    if (lookUp(socket, &directory, file->name, &file->handle)) fail(path + 1);
  }
  fclose(list);
  close(socket);
  if (fileCount == 0) fail("no files");
}

/* Eight of twenty read, four look up, four ask for attributes, three for access, one for a directory. */
static uint32_t mixed(uint32_t turn) {
  uint32_t at = turn % 20;
  return at < 8 ? READ : at < 12 ? LOOKUP : at < 16 ? GETATTR : at < 19 ? ACCESS : READDIRPLUS;
}

static uint32_t procedureOf(Conn *conn) {
  const char *work = options.work;
  if (!strcmp(work, "mixed")) return mixed(conn->turn++);
  if (!strcmp(work, "null")) return NULL_;
  if (!strcmp(work, "getattr")) return GETATTR;
  if (!strcmp(work, "lookup")) return LOOKUP;
  if (!strcmp(work, "access")) return ACCESS;
  if (!strcmp(work, "read")) return READ;
  if (!strcmp(work, "readdirplus")) return READDIRPLUS;
  fail("unknown work");
  return 0;
}

/* Whole files one after the other, `size` bytes a call. */
static void putRead(Conn *conn, Out *out, Slot *slot) {
  const File *file = &files[conn->file];
  uint64_t left = file->size - conn->offset;
  slot->length = left < options.size ? left : options.size;
  putHandle(out, &file->handle);
  put64(out, conn->offset);
  put32(out, options.size);
  conn->offset += slot->length;
  if (conn->offset < file->size) return;
  conn->offset = 0;
  conn->file = (conn->file + 1) % fileCount;
}

/* Each connection begins elsewhere. */
void startSynthetic(Conn *conn, int number) {
  conn->turn = number;
  conn->file = (int64_t)number * fileCount / options.conns;
}

void nextSynthetic(Conn *conn) {
  Out out;
  uint32_t procedure = procedureOf(conn);
  Slot *slot = beginNext(conn, procedure, &out);
  const File *file = &files[conn->file];
  if (procedure == READ) {
    putRead(conn, &out, slot);
    return endNext(conn, &out);
  }
  conn->offset = 0;
  conn->file = (conn->file + 1) % fileCount;
  if (procedure == GETATTR || procedure == ACCESS) putHandle(&out, &file->handle);
  if (procedure == ACCESS) put32(&out, 0x3f);
  if (procedure == LOOKUP || procedure == READDIRPLUS) putHandle(&out, &file->directory);
  if (procedure == LOOKUP) putOpaque(&out, file->name, strlen(file->name));
  if (procedure == READDIRPLUS) {
    put64(&out, 0);
    put64(&out, 0);
    put32(&out, 8192);
    put32(&out, 32768);
  }
  endNext(conn, &out);
}
