/*
 * The only program of a node that is to say what started it: one line on the console, then power off.
 * The loader is what the kernel was told (x86 boot protocol, type_of_loader), Secure Boot what its EFI stub found
 * (boot_params.secure_boot: 2 off, 3 on).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define SECURE_BOOT_AT 0x1ec
/* SYSLOG_ACTION_CONSOLE_OFF of syslog(2). */
#define CONSOLE_OFF 6

static int read_file(const char *path, char *text, int size) {
  int file = open(path, O_RDONLY);
  int length = file < 0 ? -1 : read(file, text, size - 1);
  if (length < 0) length = 0;
  if (length > 0 && text[length - 1] == '\n') length--;
  text[length] = 0;
  if (file >= 0) close(file);
  return length;
}

int main(void) {
  char words[4096], loader[64], parameters[4097], line[5000];
  struct stat efi;
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("sysfs", "/sys", "sysfs", 0, 0);
  read_file("/proc/cmdline", words, sizeof words);
  read_file("/proc/sys/kernel/bootloader_type", loader, sizeof loader);
  int known = read_file("/sys/kernel/boot_params/data", parameters, sizeof parameters);
  int length = snprintf(line, sizeof line, "\nSIDUS-NODE loader=%s firmware=%s secureboot=%s words=%s\n", loader,
                        stat("/sys/firmware/efi", &efi) == 0 ? "uefi" : "bios",
                        known > SECURE_BOOT_AT && parameters[SECURE_BOOT_AT] == 3 ? "on" : "off", words);
  /* The kernel's own messages go past what is still in the console's buffer. */
  klogctl(CONSOLE_OFF, 0, 0);
  write(1, line, length);
  tcdrain(1);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
