/** Every bound in the system, each with its reason. Sizes in bytes, times in milliseconds. */

// Addresses and names
/** RFC 1035 §2.3.4: a label; longer host names do not fit one. */
export const HOST_NAME_BYTES_MAX = 63;
/** Linux NAME_MAX, and what NFS clients are told by PATHCONF. */
export const FILE_NAME_BYTES_MAX = 255;
/** Linux PATH_MAX: no path from the wire is longer. */
export const PATH_BYTES_MAX = 4096;

// Configuration
/** A sidus.yaml of 1 MiB holds about 10,000 nodes. */
export const CONFIG_BYTES_MAX = 1 << 20;
export const NODES_MAX = 10_000;
/** Below two minutes, renewals are most of what the server does. */
export const LEASE_SECONDS_MIN = 120;
/** More data-plane threads than a 100 Gb/s link needs; each takes about 15 MiB. */
export const THREADS_MAX = 64;
/** `cache:`: less than one Debian initrd would be of no use. */
export const CACHE_CONFIGURED_BYTES_MIN = 16 << 20;
/** `cache:` unless written, on a large machine: a whole Debian server's tree. */
export const CACHE_DEFAULT_BYTES_MAX = 1 << 30;
/** With a volume's name and what makes it an initiator's it fits an iSCSI name: 223 (RFC 7143 §4.2.7.1). */
export const IQN_BYTES_MAX = 112;
/** `size:`: mkfs.ext4 makes a file system with a journal of 4 MiB in it. */
export const VOLUME_CONFIGURED_BYTES_MIN = 64 << 20;
/** RFC 2131 §3.3: 0xffffffff is infinity; ten years is shorter. */
export const LEASE_SECONDS_MAX = 10 * 365 * 86_400;
/** `menu:`: PXELINUX counts tenths of a second, up to 35,996 of them (syslinux.cfg, TIMEOUT). */
export const MENU_SECONDS_MAX = 3599;
/** `message:`: a few lines of the 80 columns that firmware shows. */
export const MESSAGE_CHARACTERS_MAX = 400;
/** BIOS numbers disks from 80h to FFh. */
export const LOCAL_DISK_MAX = 128;
/** Entries of a GPT as every partitioner makes it (UEFI 2.10 §5.3.1). */
export const LOCAL_PARTITION_MAX = 128;
/** SMBIOS strings may be longer, makers' serial numbers are not. */
export const SERIAL_BYTES_MAX = 64;
/** Twice the nodes that a configuration can name, and as many strangers besides. About 0.3 KiB each. */
export const IDENTITIES_MAX = 20_000;
/** A node that says nothing new is written down again after so long, with when it was heard. */
export const IDENTITY_WRITTEN_AGAIN_MS = 3_600_000;
/** What nodes said waits so long to be written together… */
export const IDENTITY_WRITTEN_MS = 2000;
/** …or until it is of so many: one transaction of some 20 ms. */
export const IDENTITIES_WAITING_MAX = 4096;

// boot/
/** Which loader an address fetched last, and how each MAC fared with iPXE: as many as are watched, about 0.2 KiB each. */
export const LOADERS_REMEMBERED_MAX = 20_000;
/** A node that came back twice from one loader will the third time; one that was merely reset did so once. */
export const LOADER_FAILURES_MAX = 2;
/** Servers take up to five minutes from reset to PXE; failures further apart than this have other causes. */
export const LOADER_FAILURES_MS = 900_000;
/** x86's COMMAND_LINE_SIZE is 2048, and loaders add the kernel's and the initrd's address and BOOTIF. What is more is cut off. */
export const COMMAND_LINE_BYTES_MAX = 1800;
/** PXELINUX takes 255 bytes, of which `http://255.255.255.255:65535/` are 29. */
export const LOADER_NAME_BYTES_MAX = 220;
/** Disks for HTTP boot, of some 4 MiB each: for two architectures, of the current tree and the one before. */
export const UEFI_DISKS_KEPT_MAX = 4;
/** A message stays on a node's screen so long, then its firmware goes on to the next device: people read three lines. */
export const MESSAGE_SHOWN_SECONDS = 30;
/** What a loader could not fetch is asked for again after it: long enough to read why, and no load for the server. */
export const LOADER_RETRY_SECONDS = 15;

/** A line on the server's control socket: a question, or an error with the longest path in it. */
export const CONTROL_LINE_BYTES_MAX = 16 * 1024;
/** Commands that wait for the server at once. */
export const CONTROL_CONNECTIONS_MAX = 16;
/** Another DHCP server's file: 10,000 hosts of ISC's with comments. */
export const IMPORT_BYTES_MAX = 8 << 20;

// dhcp/
/** Ethernet frames hold 1,500 bytes, OVMF offers to take 65,280: nobody sends so much. */
export const DHCP_MESSAGE_BYTES_MAX = 4096;
/** Firmware chooses among offers within 4 s and asks again after up to 32 s. */
export const OFFER_HOLD_MS = 60_000;
/** A flood of invented clients holds so many addresses at most, and only as long as an offer is held; beyond it the oldest is forgotten. */
export const OFFERS_MAX = 4096;
/** A client found its address in use: nobody gets it for so long. */
export const DECLINED_HOLD_MS = 600_000;
export const DECLINED_MAX = 1024;
/** A /16; each takes about 300 bytes of memory and 40 on disk. */
export const LEASES_MAX = 65_536;
/** In a pool in which every address was used, so many that are free again are compared for the one that is so longest. */
export const REUSE_COMPARED_MAX = 64;
/** REQUESTs that wait while leases are written: a second's, at the rate at which they are answered. More are dropped: clients ask again. */
export const ACKS_WAITING_MAX = 8192;
/** Leases are flushed to the disk no more often: more come together then, for a wait that nobody notices. */
export const LEASES_WRITTEN_EVERY_MS = 2;
/**
 * DISCOVERs that wait for their turn: rooms of some thousand that are switched on together. Some 0.1 ms of work each, so
 * 0.4 s, where firmware waits 1 to 4 s for offers; some 0.6 KiB each, so 2.5 MiB, and 17 MiB of the longest messages.
 */
export const DISCOVERS_WAITING_MAX = 4096;
/** DISCOVERs answered before the sockets are looked at again: REQUESTs may have come. */
export const DISCOVERS_A_TURN = 16;
/**
 * Rooms that are switched on at once, while a slow disk or another process has the processor. Linux takes it twice, as
 * far as net.core.rmem_max allows, and counts 1,280 bytes for a DISCOVER: 3,276 of them; 332 where that is as delivered.
 */
export const DHCP_RECEIVE_BYTES = 2 << 20;
/** An exhausted pool is worth a line for people, not one a DISCOVER. */
export const POOL_WARNED_EVERY_MS = 60_000;
/** Replies that cannot be sent: a flood of requests from relays that are not there fills no log. */
export const DHCP_UNSENT_REPORTED_EVERY_MS = 10_000;
/** Addresses new to their node that others are asked about by ARP: each asks the whole network. */
export const NEIGHBOURS_ASKED_PER_SECOND = 50;
/** Firmware chooses among offers within 4 s: who answered by ARP is looked up until then. */
export const NEIGHBOUR_ASKED_MS = 10_000;
/** Whoever is found at more addresses of others answers for all of them: a router with proxy ARP, not a host. */
export const NEIGHBOUR_PLACES_MAX = 3;
/** Hosts without leases whose places are remembered: no network has so many, who forges them does. */
export const NEIGHBOURS_FOUND_MAX = 256;
/** A lease is kept so much longer than it was promised: a client that asks twice within it costs one write to disk. */
export const LEASE_GRACE_MS = 10_000;

// dhcp/proxy/
/** Nodes whose addresses were overheard, as many as are watched, about 0.4 KiB each. */
export const PROXY_NODES_MAX = 20_000;

// tftp/
/** RFC 2347: a request packet has at most 512 octets. */
export const TFTP_REQUEST_BYTES_MAX = 512;
/** One block, one Ethernet frame (1500 less IP, UDP and TFTP headers): PXE firmware is bad at putting fragments together. */
export const TFTP_BLOCK_BYTES_MAX = 1468;
/** 94 KB in one burst: what a client's socket buffer (208 KiB by default on Linux) still holds, and a transfer keeps for resending. */
export const TFTP_WINDOW_BLOCKS_MAX = 64;
/**
 * Each has at most 112 KiB of buffers. Beyond it the oldest whose client never answered makes room, so that
 * requests with forged senders lock nobody out; where all are answered, a request is dropped: firmware asks again.
 */
export const TFTP_TRANSFERS_MAX = 2048;
/** Sockets that transfers share, one after the other, so that what is late of one transfer does not arrive in the next. */
export const TFTP_TRANSFER_PORTS = 4;
/**
 * A node runs one or two at a time; test benches run a hundred behind one address. At the limit its longest stalled one
 * makes room, so that clients which were switched off do not keep out those that follow.
 */
export const TFTP_TRANSFERS_PER_HOST_MAX = 256;
/** Two of these a transfer: one is sent while the next is read. What the disk is asked for is a piece of the cache. */
export const TFTP_READ_BYTES = 8 * 1024;
/** First wait for an ACK; then it is by measured round trips (RFC 6298), doubled each time it stays out. */
export const TFTP_TIMEOUT_MS = 250;
/** A LAN answers in under 1 ms, but firmware that draws or unpacks in 100: it is not to get every such block twice. */
export const TFTP_TIMEOUT_MIN_MS = 50;
export const TFTP_TIMEOUT_MAX_MS = 8000;
/** A client from which nothing new came for so long was switched off. */
export const TFTP_SILENCE_MS = 30_000;
/** Where the client agreed on how long to wait for it, it is asked so many times. */
export const TFTP_AGREED_WAITS_MAX = 4;
/**
 * Who never answered is sent the first datagram so many times, and no more: a request with a forged sender sends 4 blocks
 * of 512 bytes at most to that address, or with options 4 OACKs of some 60.
 */
export const TFTP_UNANSWERED_SENDS_MAX = 4;
/** Blocks of one transfer that leave in a row, before it is the turn of others: large windows do not keep lock-step waiting. */
export const TFTP_TURN_BLOCKS = 8;
/** The driver's timer rings no more often than this, however many transfers wait. */
export const TFTP_TICK_MS = 20;

// http/
/** A node opens one or two while it fetches: those of 5,000 that are switched on together, and some more. */
export const HTTP_CONNECTIONS_MAX = 8192;
/** 5,000 simulated nodes fit behind one address, and it leaves a quarter to the others. */
export const HTTP_CONNECTIONS_PER_HOST_MAX = 6144;
/** Two of these a transfer: one is read while the other is written, or waits for a client that reads slowly… */
export const HTTP_CHUNK_BYTES = 128 * 1024;
/** …and two smaller ones for those that begin while there are so many: 700 MiB where every connection's client is slow. */
export const HTTP_LARGE_TRANSFERS_MAX = 1024;
export const HTTP_SMALL_CHUNK_BYTES = 32 * 1024;
/** Of each size, for transfers to come: 20 MiB in all. */
export const HTTP_CHUNKS_KEPT_MAX = 128;
/** Request line and headers: a loader sends about 200 bytes, a browser under 2 KiB. */
export const HTTP_HEADER_BYTES_MAX = 8 * 1024;
/** What a booted node says of itself. */
export const HTTP_BODY_BYTES_MAX = 4 * 1024;
/** Requests sent ahead on one connection; no loader does. */
export const HTTP_PIPELINE_MAX = 16;
/**
 * Headers come in one segment; whoever takes longer holds a connection for nothing. Where thousands come at once, and other
 * programs have the processors, they wait for us as long: the request of the last one is read only when it is its turn.
 */
export const HTTP_HEADERS_MS = 30_000;
export const HTTP_REQUEST_MS = 60_000;
/** Without a byte in either direction: longer than firmware needs to write a chunk to flash, shorter than a switched-off node may cost. */
export const HTTP_IDLE_MS = 60_000;
/** Between two requests on one connection. */
export const HTTP_KEEP_ALIVE_MS = 15_000;

// rpc/ and nfs/
/** More than the largest call: WRITE with the 32 KiB that FSINFO allows, though all that it gets is NFS3ERR_ROFS. */
export const RPC_RECORD_BYTES_MAX = 64 * 1024;
/** Clients send one; a stream of empty fragments must end somewhere. */
export const RPC_FRAGMENTS_MAX = 64;
/**
 * Of each thread. A node has one connection, some have several (`nconnect`). Each costs about 10 KiB idle: 80 MiB. With those
 * of HTTP and iSCSI, and its volumes, one thread's are 33,000 descriptors: a sixteenth of what systemd lets a process open.
 */
export const RPC_CONNECTIONS_MAX = 8192;
/** 5,000 simulated nodes fit behind one address, and it leaves a quarter to the others: one host cannot lock them out. */
export const RPC_CONNECTIONS_PER_HOST_MAX = 6144;
/** Calls of one connection that wait for the disk; Linux was seen with 11 outstanding. Reading pauses beyond it. */
export const RPC_CALLS_PENDING_MAX = 64;
/** Bytes that one connection's pending answers may take together; one READ may go beyond it. */
export const RPC_PENDING_BYTES_MAX = 2 << 20;
/** Replies to calls that came together leave together, up to here: what a kernel takes at once on a fast link. */
export const RPC_SENT_TOGETHER_BYTES = 256 * 1024;
/** Replies are written into such pieces: some 400 small ones each. */
export const ARENA_BYTES = 64 * 1024;
/** A node that was switched off sends no FIN: after a minute of silence the kernel asks. */
export const RPC_KEEP_ALIVE_MS = 60_000;
/** One switched off in the middle of a reply: the kernel sends it again for 15 minutes. A living client reads within seconds. */
export const RPC_STALLED_MS = 120_000;
/** What READ answers at most: mounts may ask for it with rsize=. */
export const NFS_READ_BYTES_MAX = 1 << 20;
/** What clients use unless told otherwise: as far as Linux reads ahead. */
export const NFS_READ_BYTES_PREFERRED = 128 * 1024;
/** No WRITE succeeds; what a client may try must fit a record. */
export const NFS_WRITE_BYTES_MAX = 32 * 1024;
/** READDIR and READDIRPLUS: about 200 entries with attributes. */
export const NFS_DIRECTORY_BYTES_PREFERRED = 32 * 1024;
export const NFS_DIRECTORY_BYTES_MAX = 128 * 1024;
/** RFC 1813 §2.4: NFS3_FHSIZE. */
export const NFS_HANDLE_BYTES_MAX = 64;
/** A call in a datagram: one Ethernet frame (1500 less IP and UDP headers), of which 900 are the longest credentials. */
export const RPC_DATAGRAM_BYTES_MAX = 1472;
/** RFC 1833 §2.1 bounds none of rpcb's strings: network ids, universal addresses and names of owners are shorter. */
export const RPCBIND_STRING_BYTES_MAX = 255;
/** RFC 1813 §5.1.2: MNTPATHLEN. */
export const MOUNT_PATH_BYTES_MAX = 1024;
/** RFC 1813 §5.2.4 DUMP is informative only: the oldest are forgotten. */
export const MOUNTS_REMEMBERED_MAX = 4096;

// tree/
/** What the cache holds a piece of a file as: what one READ of Linux asks for. Small files take less, from 4 KiB. */
export const CACHE_WINDOW_BYTES = 128 * 1024;
/** Sixteen such pieces, with the index: below it nothing stays long enough to be asked for again. */
export const CACHE_BYTES_MIN = 2_200_000;
/** Pieces that one thread reads from the disk at once. A slow disk must leave threads of the pool for other questions. */
export const CACHE_FILLS_AT_ONCE = 2;
/** How long attributes, names and listings are believed before the disk is asked: an administrator's change shows after it. */
export const TREE_AGE_MS = 1000;
/** What the disk was asked so lately is in the kernel's memory still, but for the little that it gave up. */
export const TREE_WARM_MS = 300_000;
/** Names of a page that are asked about before it is looked at what they took: some 30 µs. It ends at DISK_SLOW_MS. */
export const TREE_GLANCED_TOGETHER = 8;
/** A directory of some 2,000 names is listed at once: 1 ms. Of a larger one the thread pool reads them. */
export const TREE_LISTED_AT_ONCE_BYTES = 64 * 1024;
/** Directories below one another: names of one byte in the longest path. */
export const TREE_DEPTH_MAX = PATH_BYTES_MAX / 2;
/** Files whose place is remembered, about 0.5 KiB each with attributes: fifteen Debian servers, or one very large desktop. */
export const TREE_ENTRIES_MAX = 262_144;
/** Looked-up names, found or not, about 0.1 KiB each; all are forgotten when they get more. */
export const TREE_NAMES_MAX = 262_144;
/** Names in sorted directory listings that are kept, about 0.1 KiB each; one larger directory is kept alone. */
export const TREE_LISTED_NAMES_MAX = 262_144;
/** Entries in whole pages of listings that were sent lately, about 0.3 KiB each as they are sent: those of a boot. */
export const TREE_PAGES_ENTRIES_MAX = 32_768;
/** Of one directory: those of a large one, or what a few kinds of clients ask for. */
export const TREE_PAGES_PER_DIRECTORY_MAX = 32;
/** Open descriptors; the usual limit of a process is 1024 at least. */
export const TREE_OPEN_FILES_MAX = 512;
/** Disk questions asked at once for one directory: more than the thread pool has threads gains nothing. */
export const TREE_QUESTIONS_AT_ONCE = 32;
/** Directories that a search of the whole tree reads at once: small ones leave the thread pool idle otherwise. */
export const TREE_DIRECTORIES_AT_ONCE = 8;
/** A search of the whole tree for handles whose place is unknown rests after each run: ten times as long as it took, within these. */
export const TREE_SCAN_PAUSE_MIN_MS = 1000;
export const TREE_SCAN_PAUSE_MAX_MS = 30_000;
/** What a sealed image's digest is computed by: others wait for less than 1 ms. */
export const DIGEST_READ_BYTES = 256 * 1024;
/** What holes of sealed images are read from, again and again: 16 pieces for the largest READ. */
export const EROFS_ZEROS_BYTES = 64 * 1024;
/** Extended attributes of one file: Linux lists 64 KiB of names and reads values of 64 KiB; files have one or two of 20 bytes. */
export const XATTRS_BYTES_MAX = 1 << 20;

// library/
/** What trees of other programs are cached in unless they say. */
export const LIBRARY_CACHE_BYTES = 64 << 20;

// plane/
/** What calls leave behind in a thread before it is collected; V8's own choice is three times as much, of no use to us. */
export const THREAD_YOUNG_MIB = 16;
/** Refusals that a thread counted are told to the main thread so often: a flood of them is ten messages a second. */
export const EVENTS_TOLD_EVERY_MS = 100;
/**
 * Mounts that a thread tells of at a time; the rest is counted only. Of 5,000 nodes that are switched on together some thousand
 * mount in a second; a flood of them costs a twentieth of a processor.
 */
export const EVENTS_TOLD_MAX = 1000;
/** A tree that was replaced by another is closed after it: calls may still be about it. */
export const TREE_RETIRED_MS = 60_000;
/** How often a thread says which nodes use which version of an image: what is in use must not be removed. */
export const VERSION_USE_TOLD_EVERY_MS = 1000;
/** How long the list of an image's versions is believed: a handle of a version that never was costs no more. */
export const IMAGE_VERSIONS_AGE_MS = 1000;
/** A version that is asked for by handles and must not be served is looked at again after it: that reads all of it. */
export const IMAGE_REFUSED_MS = 60_000;

/** Nodes that were known before are written down so often, for when they were last seen. */
export const VERSION_USES_WRITTEN_EVERY_MS = 60_000;
/** Another version that was made current is served within it. */
export const IMAGE_CURRENT_ASKED_EVERY_MS = 1000;

// image/
/** Processes in a tree that is released are asked to end, and are looked for again so often… */
export const RELEASE_ASK_MS = 20;
/** …before they are made to end, for as long: a daemon that writes its state takes a second. */
export const RELEASE_END_MS = 3000;
/** Who worked in a tree that is released needs a moment to notice that its command ended. */
export const RELEASE_LOCK_S = 5;
/** Who runs as root of a user namespace has so long to end in order: a whole tree is removed. */
export const NAMESPACE_END_S = 60;
/** How far sealing is, for a display: more often nobody reads it. */
export const SEAL_TOLD_EVERY_MS = 200;
/** A node that was not seen for so long does not run the version that it ran. */
export const VERSION_USE_MS = 7 * 86_400_000;
/** A node that uses another version, and this one not for so long, booted again meanwhile. */
export const VERSION_LEFT_MS = 600_000;
/** Uses that are remembered of one image: each node, and again while it changes. */
export const VERSION_USES_MAX = 20_000;
/** Versions that were current before, for rollback: nobody goes back further. */
export const IMAGE_HISTORY_MAX = 100;
/** Changing the directory of an image takes a moment, with an old disk a few seconds. */
export const IMAGE_LOCK_WAIT_MS = 30_000;
/** A key and a signature are 177 bytes. */
export const SIGNATURE_BYTES_MAX = 1024;
/** Of 20,000 packages with their versions, and a long recipe. */
export const MANIFEST_BYTES_MAX = 4 << 20;
/** As SPDX, each package takes about 1 KiB. */
export const SBOM_BYTES_MAX = 64 << 20;
/** What bundles are read and written by. */
export const BUNDLE_PIECE_BYTES = 1 << 20;
/** Zeros after the end of a tar archive: records of GNU tar are 10 KiB, of tapes up to 1 MiB. */
export const BUNDLE_PADDING_BYTES_MAX = 1 << 20;
/** Of all packages that Debian has, some 80 MiB; a desktop has 4 MiB. */
export const DPKG_STATUS_BYTES_MAX = 128 << 20;
/** Files that are compared at once: two reads each, so that the thread pool is not idle. */
export const DIFF_FILES_AT_ONCE = 8;
/** What they are read by. */
export const DIFF_READ_BYTES = 256 * 1024;
/** What comparing keeps in memory of both trees: little is read twice. */
export const DIFF_CACHE_BYTES = 32 << 20;
/** What an image is read by when it is unpacked: a few calls of the disk for a large file. */
export const UNPACK_READ_BYTES = 1 << 20;
/** Archives go to other programs in pieces: 16 writes to a pipe each. */
export const ARCHIVE_PIECE_BYTES = 1 << 20;
/** Names that are read of a directory at once. */
export const UNPACK_NAMES = 1024;
/** What of an image stays in memory while it is unpacked: its inodes and directories, which are in one place. */
export const UNPACK_CACHE_BYTES = 64 << 20;

/** Lines that a program says when it fails: the first few tell why, the others are what follows from it. */
export const TOOL_COMPLAINTS_MAX = 100;
/** How often a copy's progress is shown: people read no faster. */
export const COPY_SHOWN_EVERY_MS = 200;

/** Places for work that others, who begin at the same moment, took for left-overs. */
export const STAGING_TRIES = 5;

// disk/
/** A call that took so long was hardly answered from memory. */
export const DISK_SLOW_MS = 5;
/** After one, so long, it is asked of each call whether it waited for a core: that takes some 10 µs. */
export const DISK_SUSPECT_MS = 1000;
/** Slow calls may take so much together before the disk is asked by other threads for a while… */
export const DISK_SLOW_TOTAL_MS = 50;
/** …and this part of the time at most, however long it goes on. */
export const DISK_SLOW_SHARE = 0.05;
export const DISK_SLOW_REST_MS = 2000;
/** A disk that was away for a while is tried again. */
export const DISK_SLOW_REST_MAX_MS = 60_000;

// volume/
/** What initiators address: the block that every firmware and every tool knows. */
export const VOLUME_BLOCK_BYTES = 512;
/** Pages of the kernel, blocks of its file systems: no less is given back. */
export const VOLUME_PAGE_BYTES = 4096;
/** Half of the largest file of ext4, which is a block short of 16 TiB. */
export const VOLUME_BYTES_MAX = 8 * 2 ** 40;
/** Asked for at once, in one system call: copying it takes about 0.2 ms. More is left to another thread. */
export const VOLUME_AT_ONCE_BYTES = 1 << 20;
/** Of all volumes together: half of the threads that there are for files. NFS, TFTP and HTTP have the others. */
export const VOLUME_CALLS_AT_ONCE = 8;
/** Less is not worth a process that gives it back: zeros are written. */
export const VOLUME_PUNCH_BYTES_MIN = 64 * 1024;
/** Given back in one call: with all of it in the kernel's memory, some 0.5 ms. */
export const VOLUME_PUNCHED_AT_ONCE_BYTES = 16 << 20;
/** Ranges that one process gives back: its command line holds them. */
export const VOLUME_PUNCHES_TOGETHER = 512;
/** Where a volume takes room is known to 4 KiB up to 4 GiB, to 16 KiB up to 16 GiB: a byte each, at most 1 MiB. */
export const VOLUME_UNITS_MAX = 1 << 20;
/** Addresses with a room's name before them. With what is put around it, it must be the name of a file. */
export const VOLUME_NAME_BYTES_MAX = 100;
/** In the configuration: the volume beside it, for administration, is named by it and `-admin`. */
export const VOLUME_CONFIGURED_NAME_BYTES_MAX = VOLUME_NAME_BYTES_MAX - 6;
/** Requests on the socket of a directory of volumes: one short line each. */
export const VOLUME_CONTROL_LINE_BYTES_MAX = 1024;
/** Answers on it: who uses which of 10,000 volumes, all named as long as RFC 7143 lets them be. */
export const VOLUME_CONTROL_ANSWER_BYTES_MAX = 4 << 20;
/** Commands that work on volumes at once; each holds a connection. */
export const VOLUME_CONTROL_CONNECTIONS_MAX = 64;
/** Another command may have the directory for a moment, or a server be about to answer: a command asks again until then. */
export const VOLUME_CLAIM_WAIT_MS = 5000;
export const VOLUME_CLAIM_AGAIN_MS = 50;

// scsi/
/** What WRITE, READ and VERIFY move at most, in blocks: 4 MiB. Linux asks for 1.25 MiB, iPXE for 64 KiB. VPD page B0h. */
export const SCSI_TRANSFER_BLOCKS_MAX = 8192;
/** What VPD page B0h recommends: as much as Linux reads ahead, and a first burst holds. */
export const SCSI_TRANSFER_BLOCKS_OPTIMAL = 512;
/** VPD page B0h: blocks of 4 KiB, which file systems below and above keep; Linux aligns partitions to it. */
export const SCSI_TRANSFER_BLOCKS_GRANULARITY = 8;
/** COMPARE AND WRITE counts its blocks in one byte. */
export const SCSI_COMPARE_AND_WRITE_BLOCKS_MAX = 255;
/** 16 MiB, written out where it is not zeros: some 10 ms. */
export const SCSI_WRITE_SAME_BLOCKS_MAX = 32_768;
/** No bound: what is given back costs no time by its size. */
export const SCSI_UNMAP_BLOCKS_MAX = 0xffff_ffff;
/** Each is one question to the file system. */
export const SCSI_UNMAP_DESCRIPTORS_MAX = 256;
/** 64 KiB: Linux gathers what it gives back into such pieces, and asks for fewer of them. */
export const SCSI_UNMAP_GRANULARITY_BLOCKS = 128;
/** GET LBA STATUS answers so many extents, however much room there is: each is one question to the file system. */
export const SCSI_LBA_STATUS_DESCRIPTORS_MAX = 64;
/** Data that is compared, looked at or repeated goes through memory in such pieces. */
export const SCSI_PIECE_BYTES = 256 * 1024;
/** Tasks of one disk that run or wait; ten sessions with Linux's 32 each. Beyond it: TASK SET FULL, asked again later. */
export const SCSI_TASKS_MAX = 512;
/** Initiator ports registered for persistent reservations of one disk: a large cluster on several paths, 100 bytes each. */
export const SCSI_REGISTRATIONS_MAX = 128;
/** Buffers of READ come in powers of two from a memory page to what is recommended; longer ones are not kept. */
export const SCSI_BUFFER_BYTES_MIN = 4096;
export const SCSI_BUFFER_BYTES_MAX = 256 * 1024;
/** Buffers that wait to be used again: what 32 commands of the recommended length take. */
export const SCSI_BUFFERS_IDLE_BYTES_MAX = 8 << 20;

// iscsi/: text keys and login
/** All text of one negotiation step, over all PDUs with the C bit: two full PDUs of a login. The longest seen is 0.6 KiB. */
export const ISCSI_TEXT_BYTES_MAX = 16 * 1024;
/** RFC 7143 §13 has some 30 keys. An answer to so many unknown ones fits the 8 KiB of one PDU. */
export const ISCSI_KEYS_MAX = 64;
/** RFC 7143 §12.1.3: in binary. */
export const CHAP_CHALLENGE_BYTES_MAX = 1024;
/** The longest value is such a challenge in hexadecimal. */
export const ISCSI_VALUE_BYTES_MAX = 2 + 2 * CHAP_CHALLENGE_BYTES_MAX;
/** RFC 7143 §4.2.7.1: iSCSI names. */
export const ISCSI_NAME_BYTES_MAX = 223;
/** Requests of one login, parts of texts included: with CHAP and two stages it takes 4. */
export const ISCSI_LOGIN_REQUESTS_MAX = 32;
/** RFC 7143 §13.12: what one PDU from an initiator may carry. Linux asks for as much. */
export const ISCSI_RECEIVED_SEGMENT_BYTES_MAX = 256 * 1024;
/** RFC 7143 §13.14: what may come with a write before it is asked for; held in memory for each. */
export const ISCSI_FIRST_BURST_BYTES_MAX = 256 * 1024;
/** RFC 7143 §13.13: what one R2T asks for, and one sequence of Data-In carries: as much as Linux offers. */
export const ISCSI_BURST_BYTES_MAX = 16_776_192;
/** RFC 7143 §13.17: R2Ts of one command that are open at once, where bursts are small. */
export const ISCSI_R2T_OUTSTANDING_MAX = 8;

// iscsi/: sessions
/** More than one cannot tell crumbs from data: a segment that comes in more parts is put together. 4 KiB each in the longest. */
export const ISCSI_SEGMENT_PARTS_MAX = 64;
/** More of smaller parts than that are copied together: a view costs more memory than they. */
export const ISCSI_CRUMB_BYTES = 4096;
/** What one connection's commands may keep the thread for before others have their turn. */
export const ISCSI_TURN_MS = 20;
/** RFC 7143 §4.2.2.1: commands of one session that are under way. Linux has 32 for a disk, libiscsi and QEMU up to 128. */
export const ISCSI_WINDOW_COMMANDS = 64;
/** Immediate ones beside them: RFC 7143 §4.2.2.1 wants to take two of a kind, task management and pings, at least. */
export const ISCSI_IMMEDIATE_TASKS_MAX = 16;
/** One command's data from the initiator: twice SCSI_TRANSFER_BLOCKS_MAX. What claims more is not asked for it. */
export const ISCSI_TASK_BYTES_MAX = 8 << 20;
/** What R2Ts of one session asked for and did not get yet, and what waits to be whole; one command may go beyond it. */
export const ISCSI_ASKED_BYTES_MAX = 16 << 20;
/** What the reads of one session that were begun take until they are answered; one command may go beyond it. */
export const ISCSI_READING_BYTES_MAX = 8 << 20;
/** Replies to commands that came together leave together, up to here: what a kernel takes at once on a fast link. */
export const ISCSI_SENT_TOGETHER_BYTES = 256 * 1024;
/** Headers of replies are written into such pieces, with data short enough that a copy costs less than a part of its own. */
export const ISCSI_SLAB_BYTES = 32 * 1024;
export const ISCSI_COPIED_BYTES_MAX = 512;
/** A node has one session, and a second connection while it logs in anew. Each costs about 20 KiB idle: 160 MiB. */
export const ISCSI_CONNECTIONS_MAX = 8192;
/** 5,000 simulated nodes fit behind one address, and it leaves a quarter to the others: one host cannot lock them out. */
export const ISCSI_CONNECTIONS_PER_HOST_MAX = 6144;
/** Connections that did not log in yet: a flood of them leaves room for those that do. */
export const ISCSI_LOGINS_MAX = 512;
/** iPXE and open-iscsi log in within 1 s; open-iscsi itself gives up after 15. */
export const ISCSI_LOGIN_MS = 15_000;
/** Nothing was heard for so long: the initiator is asked whether it is there, as often again until it answers. */
export const ISCSI_SILENCE_MS = 30_000;
/** So many times asked without a word: open-iscsi answers within 5 s, programs that do nothing else need longer. */
export const ISCSI_PINGS_MAX = 3;
/** A node that was switched off sends no FIN: after a minute of silence the kernel asks. */
export const ISCSI_KEEP_ALIVE_MS = 60_000;
/** One switched off in the middle of a reply. A living initiator reads within seconds. */
export const ISCSI_STALLED_MS = 120_000;
/** A peer that does not close its side of a connection that ended. */
export const ISCSI_CLOSING_MS = 2000;
/** After it asked for the logout of all sessions, a server that ends waits so long for them. */
export const ISCSI_LOGOUT_MS = 2000;

// cli/: doctor --listen
/** DHCP servers and relays that are listed: no network has so many, what forges them does. */
export const LISTEN_SERVERS_MAX = 64;
/** Clients that are counted apart. */
export const LISTEN_CLIENTS_MAX = 65_536;
/** An hour: long enough to hear a lease of two be renewed. */
export const LISTEN_SECONDS_MAX = 3600;

// watch/
/** How often threads say which addresses have connections, and how long that is believed: a few times must be missed. */
export const PRESENT_TOLD_EVERY_MS = 30_000;
export const PRESENT_MS = 100_000;
/** Firmware without a loader is named once an architecture: IANA lists some 40 of them. */
export const ARCHITECTURES_WARNED_MAX = 64;
/** Twice the nodes that a configuration can name: strangers show up too. About 1 KiB each. */
export const NODES_WATCHED_MAX = 20_000;
/** Who was heard and took no address: a flood of invented ones forgets no node that booted. */
export const NODES_HEARD_MAX = 4096;
/** Firmware asks again within 32 s. What it asks after a longer pause is another boot. */
export const BOOT_PAUSE_MS = 60_000;
/** Events that wait for the end of a turn to be followed. */
export const TOLD_TOGETHER_MAX = 1024;
/** What is remembered of one node: a boot is told in 15 to 40 facts. */
export const STORY_FACTS_MAX = 64;
/** Of all nodes together, 0.3 KiB each: the older half of every story is forgotten when there are more. */
export const STORY_FACTS_TOTAL_MAX = 262_144;
/** Beginnings of boots that are remembered of one node. */
export const STORY_BOOTS_MAX = 8;
/** Of a path in a story: no file that we name is longer. */
export const STORY_TEXT_MAX = 255;
/** What /status.json shows is made again after so many times as long as it took: some 20 ms for all nodes that are watched. */
export const STATUS_PAUSE_TIMES = 20;
/** Without a further stage for so long a node is worth a line in the log; how often that is looked at. */
export const STUCK_MS = 120_000;
export const STUCK_ASKED_EVERY_MS = 10_000;
/** Lines at a time: a room without its switch is not worth hundreds. */
export const STUCK_TOLD_MAX = 20;

// watch/: the live page, metrics, history
/** How often threads say what they moved: curves of a boot need no finer one. */
export const TRAFFIC_TOLD_EVERY_MS = 1000;
/** Who follows the events: an office's browsers and a few terminals. Each holds one connection. */
export const LIVE_READERS_MAX = 32;
/** One host's tabs; its browser opens six connections at most. */
export const LIVE_READERS_PER_HOST_MAX = 8;
/** Changes are told together so often: a stage takes seconds, and it is no work a packet. */
export const LIVE_TOLD_EVERY_MS = 500;
/** Nodes told to one reader at a time, 0.4 KiB each: some 6 ms of work, and 2,000 nodes a second. */
export const LIVE_NODES_A_TURN = 1000;
/** Traffic is told so often, also where nothing changed: what stands between must not take the connection for idle. */
export const LIVE_TOTALS_EVERY_MS = 1000;
/** A reader that took nothing for so long is dropped: browsers come again by themselves. */
export const LIVE_STALLED_MS = 20_000;
/** Changed nodes that wait for one reader: twice those that are watched. A flood of invented ones ends a slow reader sooner. */
export const LIVE_UNTOLD_MAX = 50_000;
/** Nodes asked a turn why they stand still, one after the other, some 30 µs each: 100 within a second. */
export const LIVE_JUDGED_A_TURN = 50;
/** None is asked again sooner: most of what keeps a node shows after 20 s. */
export const LIVE_JUDGED_EVERY_MS = 3000;
/** Who was heard so lately does not stand still: it is asked again only if it goes on like that. */
export const LIVE_HEARD_MS = 1000;
export const LIVE_HEARD_JUDGED_EVERY_MS = 15_000;
/** Some explanations look at all nodes: a turn takes no longer than that, and one more. */
export const LIVE_JUDGED_MS = 6;
/** What a browser waits before it comes again. */
export const LIVE_RETRY_MS = 2000;
/** Boots kept of one node: three weeks of mornings. */
export const HISTORY_BOOTS_PER_NODE = 20;
/** Of all nodes, 0.2 KiB each; the oldest are forgotten. */
export const HISTORY_BOOTS_MAX = 20_000;
/** Boots wait so long to be written together… */
export const HISTORY_WRITTEN_MS = 5000;
/** …or until there are so many: one transaction of some 10 ms. */
export const HISTORY_WAITING_MAX = 1024;
/** Of a tree's name in a row. */
export const HISTORY_TEXT_MAX = 255;
/** Fewer boots say nothing of what is usual. */
export const USUAL_BOOTS_MIN = 3;
/** What is usual of a tree or of the room is told by its last boots. */
export const USUAL_BOOTS_MAX = 100;
/** Read at the start for it: some 15 ms. */
export const USUAL_BOOTS_READ = 1000;
/** Nodes whose boots are kept at hand, of 0.4 KiB each. */
export const USUAL_NODES_MAX = 1024;
/** Trees whose boots are compared apart; names come from the nodes. */
export const USUAL_TREES_MAX = 64;
/** Days that /history.json sums up. */
export const HISTORY_DAYS = 14;

// state/
/** Pages of 4 KiB: LEASES_MAX leases take a twentieth of it. */
export const STATE_PAGES_MAX = 16_384;
/** The log is written back into the file at 16 MiB: that keeps the event loop for two fsyncs. */
export const STATE_LOG_PAGES = 4096;

// cli/: descriptors
/** Of a server: a node's connections for HTTP, NFS and iSCSI, and its volume. */
export const DESCRIPTORS_PER_NODE = 4;
/** Of a server, or of a storm, besides those of nodes: files of the tree, threads, what Node itself has. */
export const DESCRIPTORS_BESIDE = 1024;

// storm/: nodes, workers
/**
 * What a server of sidus lets in at once, RPC_CONNECTIONS_MAX and the others. A node has three connections at most, some 50 KiB
 * of memory, and 4 KiB of a report's.
 */
export const STORM_NODES_MAX = 5000;
/** A day: nobody waits longer for a room to be switched on. */
export const ARRIVAL_SECONDS_MAX = 86_400;
/** Between one node and the next, on average: the largest storm takes two months then, and timers count no further than 24 days. */
export const ARRIVAL_PAUSE_MAX_SECONDS = 1000;
/** A node's own time is waited for from this on: timers have no finer grain. */
export const THINK_GRAIN_MS = 1;
/** What a node was late by more than this is the load's doing, and is not made up for: no timer is that late by itself. */
export const THINK_LATE_MS = 20;
/** What told a handle more steps ago than a node has calls under way has ended; of others it is remembered until then. */
export const NEEDED_STEPS_MAX = 64;
/** Configurations that name another: a server's own chain is of two or three, one without end of all. */
export const STORM_CHAIN_MAX = 16;
/** How often a storm is looked at: a display that is alive, and 14,400 points an hour. */
export const STORM_SAMPLE_MS = 250;
/** Of a report's series: when there are more, every second one is joined to the one before. */
export const STORM_SAMPLES_MAX = 2400;
/** Differing contents that a report names. */
export const STORM_EXAMPLES_MAX = 20;
/** Of calls' names, reasons and differences that are counted apart: protocols have some 30 of them. */
export const STORM_WORDS_MAX = 256;

// storm/record/, storm/trace/
/** A capture that is recorded from: boots take 60 MB, and one Buffer holds no more than 4 GiB. */
export const CAPTURE_BYTES_MAX = 2 ** 31 - 1;
/** Frames of one: boots have two million in 2 GiB, and each takes some 300 bytes of memory besides its own. */
export const CAPTURE_FRAMES_MAX = 5_000_000;
/** Datagrams in parts that wait to be whole, of up to 64 KiB: Linux keeps 4 MiB of them. */
export const STORM_FRAGMENTED_MAX = 64;
/** Parts of one of them: RFC 791's least MTU that all must carry, 576 bytes, makes 119 of 64 KiB. */
export const STORM_FRAGMENTS_MAX = 128;
/** Content of a fetched file that is looked into for kernel and initrd: ten times GRUB's own grub.cfg. */
export const STORM_CONFIG_BYTES_MAX = 65_536;
/** Kernels, and initrds, that configurations of one boot name: each fetched file is looked for among them. Menus have some tens. */
export const STORM_NAMED_FILES_MAX = 1000;
/** A trace as it is on disk, and unpacked: a boot's 4,000 calls are 20 KB and 100 KB. */
export const STORM_TRACE_FILE_BYTES_MAX = 16 << 20;
export const STORM_TRACE_BYTES_MAX = 64 << 20;
/** A hundred times a boot. */
export const STORM_STEPS_MAX = 400_000;
export const STORM_FILES_MAX = 100_000;
/** A trace is made into a tree: larger than any file of one that is booted. */
export const STORM_FILE_BYTES_MAX = 2 ** 40;
/** Pieces of a boot that a projection takes it apart into, by its work: no finer than nodes that started together stay together. */
export const TRACE_PHASES = 32;
/** A day: no node thinks longer. */
export const STORM_THINK_US_MAX = 86_400_000_000;
/** What a capture lacks of a node's connections, and is put as zeros: kernel and initrd, where only their beginnings were kept. */
export const STORM_GAP_BYTES_MAX = 512 << 20;

// storm/report/
/** Points of a chart over time: more than there are pixels of a phone, fewer than make a heavy page. */
export const REPORT_POINTS_MAX = 400;
/** Lines of the waterfall that can be told apart on a page; more nodes are shown in groups. */
export const WATERFALL_ROWS_MAX = 200;
/** Of more nodes than that, the ones that ended last are shown each. */
export const WATERFALL_LATE_MAX = 30;
/** Rows of the tables beside the charts over time, and of the one of nodes: all is in the JSON. */
export const REPORT_TIMES_MAX = 25;
export const REPORT_NODES_MAX = 250;
/** Starts that a projection tells apart: a hundredth of a ramp is far less than it may be off, and takes it a tenth of a second. */
export const PROJECTED_STARTS_MAX = 100;
/** Threads of a load: more than processors of any machine that makes one. */
export const STORM_WORKERS_MAX = 64;
/** Results of storms that are read: 5,000 nodes and an hour of samples are some 8 MB. */
export const STORM_RESULT_BYTES_MAX = 256 * 1024 * 1024;

// storm/dhcp/, storm/tftp/, storm/http/
/** RFC 2131 §4.1: what a client waits for an answer before it asks again, at first and in the end. */
export const STORM_DHCP_WAIT_MS = 4000;
export const STORM_DHCP_WAIT_MAX_MS = 64_000;
/** RFC 2131 §3.1, 5: a REQUEST is sent four times, then the client begins anew. */
export const STORM_DHCP_REQUESTS_MAX = 4;
/** One NAK is a server that forgot its offer; the next ones are one that will not. */
export const STORM_DHCP_NAKS_MAX = 4;
/** Offers, each with four REQUESTs in vain, a minute each: the server offers and never gives. */
export const STORM_DHCP_UNANSWERED_MAX = 4;
/** Answers to 5,000 nodes that were switched on together, where net.core.rmem_max allows it. */
export const STORM_RELAY_BUFFER_BYTES = 4 << 20;
/** iPXE's own: what a TFTP client waits at first, and in the end, before it says again what it has. */
export const STORM_TFTP_WAIT_MS = 250;
export const STORM_TFTP_WAIT_MAX_MS = 10_000;
/** Four ACKs in vain: the server was started again and knows nothing of the transfer. Of 2 % loss that is one in six million. */
export const STORM_TFTP_LOST_MS = 3500;
/** A second copy that comes sooner was duplicated on the way; one that comes later was sent again, for want of our ACK. */
export const STORM_TFTP_COPY_MS = 25;
/** Loaders' configurations are kept as text, up to here: our menus of many labels have some 10 KiB. */
export const STORM_TEXT_BYTES_MAX = 64 * 1024;
/** Status line and fields of a reply, or of the trailer; servers send some 300 bytes. */
export const STORM_HTTP_HEAD_BYTES_MAX = 16 * 1024;
/** A connection that could not be made, or broke off, is made anew after it, and up to so much later each time. */
export const STORM_HTTP_AGAIN_MS = 100;
export const STORM_HTTP_AGAIN_MAX_MS = 5000;
/** Nothing came for so long: a server that was switched off says nothing, and TCP without anything to send does not notice. */
export const STORM_HTTP_SILENCE_MS = 30_000;
/** Commands of one boot configuration that are followed: a script that goes in circles ends. */
export const STORM_SCRIPT_COMMANDS_MAX = 10_000;

// storm/room/
/** What leaves at once at a link's rate: what a kernel sends as one, twice. */
export const STORM_BURST_BYTES = 128 * 1024;
/** What waits for a link, each way, so that nothing is dropped: 100 connections, each with what TCP lets wait below it (tcp_limit_output_bytes). */
export const STORM_QUEUE_BYTES = 16 << 20;
/** Frames that are under way on a slow link: 10 Gb/s for 100 ms. */
export const STORM_DELAYED_FRAMES_MAX = 100_000;
/** Of a tree that is made from a trace: a Debian desktop of which all was read. */
export const STORM_TREE_BYTES_MAX = 4 * 2 ** 30;
/** What its files are written by. */
export const STORM_TREE_PIECE_BYTES = 1 << 20;
/** Made trees that are kept: one of each trace, some 100 MB each… */
export const STORM_TREES_KEPT = 4;
/** …and those that storms use now, which say so every minute: long enough for a machine that has no time for them. */
export const STORM_TREE_USED_MS = 600_000;
export const STORM_TREE_USED_SAID_MS = 60_000;
/** One that is not whole after it, with a slow disk, is what was left by who was killed. */
export const STORM_TREE_MAKING_MS = 3_600_000;
/** The own server reads its tree's directories and opens its state in a second: an old disk takes a few, an emulated processor a minute. */
export const STORM_SERVER_READY_MS = 180_000;
export const STORM_SERVER_ASKED_EVERY_MS = 20;

// storm/rpc/, storm/nfs/, storm/expectations.ts
/** What one system call takes of a connection; all connections of a thread share it. Two READ replies of Linux' usual length. */
export const STORM_RPC_RECEIVED_BYTES = 256 * 1024;
/** The longest READ, a directory's page, and what is around them. */
export const STORM_RPC_RECORD_BYTES_MAX = NFS_READ_BYTES_MAX + 64 * 1024;
/** Servers send one or two a reply; a stream of empty ones must end somewhere. */
export const STORM_RPC_FRAGMENTS_MAX = 256;
/** Calls of one connection under way; Linux was seen with 11. Their number is part of the xid. */
export const STORM_RPC_CALLS_MAX = 4096;
/** Header with AUTH_SYS of a node's name (RFC 5531 §9), a handle and a file name: LOOKUP is the longest, with 468. */
export const STORM_RPC_CALL_BYTES = 512;
/** MNT: a path of RFC 1813's MNTPATHLEN, and the header. */
export const STORM_MOUNT_CALL_BYTES = MOUNT_PATH_BYTES_MAX + 128;
/** Calls that leave together are put together in such pieces. */
export const STORM_RPC_SENT_BYTES = 64 * 1024;
/** Linux' xprt_sock.c: a connection that could not be made is tried again after it, then after twice as long… */
export const STORM_RPC_AGAIN_MS = 3000;
export const STORM_RPC_AGAIN_MAX_MS = 30_000;
/** Linux' timeo=600: nothing was heard for so long, and the server is asked again on a connection made anew. */
export const STORM_RPC_SILENCE_MS = 60_000;
/** Before a storm a portmapper is waited for so long: one is there, or its port is closed or filtered. */
export const STORM_PORTMAP_ASKED_MS = 3000;
/** Linux' min_resvport and max_resvport: where a connection of its NFS client comes from. */
export const RESERVED_PORT_MIN = 665;
export const RESERVED_PORT_MAX = 1023;
/** Nodes that share an address share these 359 ports: so many are tried before any other will do. */
export const RESERVED_PORT_TRIES = 8;
/** Linux' NFS_JUKEBOX_RETRY_TIME: NFS3ERR_JUKEBOX asks to come back later. */
export const STORM_JUKEBOX_MS = 5000;
/** READs that one READ becomes where the server answers less than was asked for. */
export const STORM_READ_PARTS_MAX = 64;
/** Parts of contents whose checksums are kept in each thread, about 0.1 KiB each: a boot reads some 2,000. */
export const STORM_EXPECTATIONS_MAX = 262_144;
/** Names that are listed on a server before a storm: a desktop's directories, those that a boot reads. */
export const STORM_EXPLORED_MAX = 1_000_000;
/** Directories listed at once. */
export const STORM_EXPLORED_AT_ONCE = 16;

// storm/iscsi/
/** What a PDU of a target may carry: MaxRecvDataSegmentLength as Linux says it. */
export const STORM_ISCSI_SEGMENT_BYTES = 262_144;
/** Requests of one login: with CHAP it takes 4. */
export const STORM_ISCSI_LOGIN_REQUESTS_MAX = 16;
/** All that a target says in it. */
export const STORM_ISCSI_LOGIN_TEXT_BYTES_MAX = 16 * 1024;
/** What one command of a trace moves: Linux asks for 1.25 MiB at most. */
export const STORM_ISCSI_TASK_BYTES_MAX = 8 << 20;
/** Written blocks are remembered in pieces of 16 MiB, 4 KiB each: what is written is in few places. */
export const STORM_ISCSI_WRITTEN_BLOCKS = 32_768;
/** Logical units that are asked what they are, until one is a disk. */
export const STORM_ISCSI_UNITS_MAX = 16;
/** What is kept of an answer that the node must know: a list of 511 logical units. */
export const STORM_ISCSI_ANSWER_BYTES = 4096;
/** A command that is told of unit attentions is sent again so often: a target reports three after its start. */
export const STORM_ISCSI_ATTENTIONS_MAX = 8;
/** Pings of a target between two answers: each is answered, with as much data. It asks once in half a minute. */
export const STORM_ISCSI_QUESTIONS_MAX = 100;
/** A target that is busy is asked again after it. */
export const STORM_ISCSI_BUSY_MS = 100;
/** Nothing was heard for so long, while something was asked: it is pinged (open-iscsi, noop_out_interval). */
export const STORM_ISCSI_SILENCE_MS = 5000;
/** A connection that could not be made, or a login, is tried again after it, then after twice as long… */
export const STORM_ISCSI_AGAIN_MS = 250;
export const STORM_ISCSI_AGAIN_MAX_MS = 4000;
