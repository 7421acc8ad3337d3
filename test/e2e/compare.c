/*
 * compare SERVER EXPORT DIRECTORY: a tree as a foreign NFS client (libnfs) sees it, against the directory it was
 * made from. One line a difference, then "N entries, N bytes of content". What an image keeps differently by nature is
 * left out: sizes and link counts of directories' own blocks, numbers of inodes, times of access and change.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <nfsc/libnfs.h>

#define CHUNK (4 << 20)
#define PATH_ROOM (64 << 10)

struct name {
	char *text;
	/* What READDIRPLUS said of it. */
	uint64_t fileid, size;
	uint32_t mode, mtime_nsec;
};

struct names {
	struct name *list;
	size_t count, room;
};

struct inode {
	uint64_t here, there;
};

static struct nfs_context *nfs;
static const char *directory;
static struct inode *inodes;
static uint64_t entries, content;
static char ours[CHUNK], theirs[CHUNK];

static void die(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s; %s\n", what, path, strerror(errno), nfs_get_error(nfs));
	exit(2);
}

/* A tab ends the path: names hold any byte but that one in what the tests print. */
static void differs(const char *path, const char *what, uint64_t is, uint64_t was)
{
	printf("%s\t%s is %" PRIu64 ", not %" PRIu64 "\n", path, what, is, was);
}

static void expect(const char *path, const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		differs(path, what, is, should);
}

static void add(struct names *names, struct name name)
{
	if (!strcmp(name.text, ".") || !strcmp(name.text, ".."))
		return;
	if (names->count == names->room) {
		names->room = names->room * 2 + 16;
		names->list = realloc(names->list, names->room * sizeof *names->list);
	}
	name.text = strdup(name.text);
	names->list[names->count++] = name;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void sort(struct names *names)
{
	if (names->count > 0)
		qsort(names->list, names->count, sizeof *names->list, by_name);
}

static struct names names_here(const char *path)
{
	struct names names = { 0 };
	DIR *stream = opendir(path);
	if (!stream)
		die("opendir", path);
	for (struct dirent *entry; (entry = readdir(stream));)
		add(&names, (struct name){ .text = entry->d_name });
	closedir(stream);
	sort(&names);
	return names;
}

static struct names names_there(const char *path)
{
	struct names names = { 0 };
	struct nfsdir *stream;
	if (nfs_opendir(nfs, path, &stream))
		die("nfs_opendir", path);
	for (struct nfsdirent *entry; (entry = nfs_readdir(nfs, stream));)
		add(&names, (struct name){ entry->name, entry->inode, entry->size, entry->mode,
					   entry->mtime_nsec });
	nfs_closedir(nfs, stream);
	sort(&names);
	return names;
}

static void drop(struct names names)
{
	for (size_t at = 0; at < names.count; at++)
		free(names.list[at].text);
	free(names.list);
}

static void remember(uint64_t here, uint64_t there)
{
	if ((entries & (entries - 1)) == 0)
		inodes = realloc(inodes, (entries * 2 + 1) * sizeof *inodes);
	inodes[entries++] = (struct inode){ here, there };
}

static void compare_link(const char *local, const char *path)
{
	ssize_t length = readlink(local, ours, CHUNK - 1);
	char *target;
	if (length < 0)
		die("readlink", local);
	if (nfs_readlink2(nfs, path, &target))
		die("nfs_readlink2", path);
	if (strlen(target) != (size_t)length || memcmp(target, ours, length))
		printf("%s\tleads to %s, not %.*s\n", path, target, (int)length, ours);
	free(target);
}

/* Of what was never written, the beginning and the end are enough. */
static uint64_t past_hole(int file, uint64_t offset)
{
	off_t data = lseek(file, offset, SEEK_DATA);
	if (data < 0)
		data = lseek(file, 0, SEEK_END);
	return data > (off_t)offset + CHUNK ? (uint64_t)data - CHUNK : offset;
}

static void compare_content(const char *local, const char *path)
{
	int file = open(local, O_RDONLY);
	struct nfsfh *handle;
	if (file < 0)
		die("open", local);
	if (nfs_open(nfs, path, O_RDONLY, &handle))
		die("nfs_open", path);
	for (uint64_t offset = 0;; offset = past_hole(file, offset)) {
		ssize_t here = pread(file, ours, CHUNK, offset);
		int there = nfs_pread(nfs, handle, offset, CHUNK, theirs);
		if (here < 0)
			die("pread", local);
		if (there < 0)
			die("nfs_pread", path);
		if (here != there || memcmp(ours, theirs, here)) {
			differs(path, "content of the part from", offset, offset);
			break;
		}
		if (here == 0)
			break;
		offset += here;
		content += here;
	}
	nfs_close(nfs, handle);
	close(file);
}

static void compare_attributes(const char *path, const struct stat *here,
			       const struct nfs_stat_64 *there)
{
	int device = S_ISBLK(here->st_mode) || S_ISCHR(here->st_mode);
	expect(path, "mode", there->nfs_mode, here->st_mode);
	expect(path, "uid", there->nfs_uid, here->st_uid);
	expect(path, "gid", there->nfs_gid, here->st_gid);
	expect(path, "nlink", there->nfs_nlink, here->st_nlink);
	expect(path, "mtime", there->nfs_mtime, here->st_mtim.tv_sec);
	expect(path, "mtime's nanoseconds", there->nfs_mtime_nsec, here->st_mtim.tv_nsec);
	if (!S_ISDIR(here->st_mode))
		expect(path, "size", there->nfs_size, here->st_size);
	if (device) {
		expect(path, "major", major(there->nfs_rdev), major(here->st_rdev));
		expect(path, "minor", minor(there->nfs_rdev), minor(here->st_rdev));
	}
	remember(here->st_ino, there->nfs_ino);
}

static void compare_directory(const char *path);

static void compare_entry(const char *path, const struct name *listed)
{
	struct stat here;
	struct nfs_stat_64 there;
	char *local;
	if (asprintf(&local, "%s%s", directory, path) < 0 || lstat(local, &here))
		die("lstat", path);
	if (nfs_lstat64(nfs, path, &there))
		die("nfs_lstat64", path);
	compare_attributes(path, &here, &there);
	if (listed) {
		expect(path, "listed fileid", listed->fileid, there.nfs_ino);
		expect(path, "listed size", listed->size, there.nfs_size);
		expect(path, "listed mode", listed->mode & 07777, there.nfs_mode & 07777);
		expect(path, "listed mtime", listed->mtime_nsec, there.nfs_mtime_nsec);
	}
	if (S_ISDIR(here.st_mode))
		compare_directory(path);
	else if (S_ISLNK(here.st_mode))
		compare_link(local, path);
	else if (S_ISREG(here.st_mode))
		compare_content(local, path);
	free(local);
}

static void compare_directory(const char *path)
{
	char *local, *child;
	if (asprintf(&local, "%s%s", directory, path) < 0)
		die("asprintf", path);
	struct names here = names_here(local), there = names_there(path);
	size_t a = 0, b = 0;
	while (a < here.count || b < there.count) {
		int order = a == here.count    ? 1
			    : b == there.count ? -1
					       : strcmp(here.list[a].text, there.list[b].text);
		const char *name = order <= 0 ? here.list[a].text : there.list[b].text;
		if (asprintf(&child, "%s/%s", strcmp(path, "/") ? path : "", name) < 0)
			die("asprintf", path);
		if (order < 0)
			printf("%s\tis missing\n", child);
		else if (order > 0)
			printf("%s\tis not in the directory\n", child);
		else
			compare_entry(child, &there.list[b]);
		free(child);
		a += order <= 0;
		b += order >= 0;
	}
	drop(here);
	drop(there);
	free(local);
}

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_here(const void *a, const void *b)
{
	return order(((const struct inode *)a)->here, ((const struct inode *)b)->here);
}

static int by_there(const void *a, const void *b)
{
	return order(((const struct inode *)a)->there, ((const struct inode *)b)->there);
}

/* Hard links have one fileid, and no two files the same. */
static void compare_inodes(void)
{
	qsort(inodes, entries, sizeof *inodes, by_here);
	for (uint64_t at = 1; at < entries; at++)
		if (inodes[at].here == inodes[at - 1].here && inodes[at].there != inodes[at - 1].there)
			printf("inode %" PRIu64 "\thas several fileids\n", inodes[at].here);
	qsort(inodes, entries, sizeof *inodes, by_there);
	for (uint64_t at = 1; at < entries; at++)
		if (inodes[at].there == inodes[at - 1].there && inodes[at].here != inodes[at - 1].here)
			printf("fileid %" PRIu64 "\tis that of several inodes\n", inodes[at].there);
}

int main(int count, char **arguments)
{
	if (count != 4)
		return 2;
	directory = arguments[3];
	nfs = nfs_init_context();
	if (nfs_mount(nfs, arguments[1], arguments[2]))
		die("nfs_mount", arguments[2]);
	compare_entry("/", NULL);
	compare_inodes();
	printf("%" PRIu64 " entries, %" PRIu64 " bytes of content\n", entries, content);
	return 0;
}
