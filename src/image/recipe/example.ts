/** A recipe with every key there is. `sidus build --example` prints it. */
export const exampleRecipe = `# A recipe says what a tree is to be like:  sidus build NAME --recipe FILE
# Every key may be left out. Where a list has one entry, the entry alone will do.

suite: bookworm                 # of Debian or Ubuntu: bookworm, trixie, noble, …
architecture: amd64             # amd64, arm64 or i386; else that of this machine
bootstrap: mmdebstrap           # or debootstrap
# mirrors: [http://mirror.example.org/debian]   # URLs, \`deb …\` lines or sources files; else the suite's own archive
components: [main]
include: [vim-tiny, less, cron] # packages
exclude: [nano]                 # never installed, whoever asks for them
purge: [tasksel-data]           # removed with their configuration at the end
initramfs: initramfs-tools      # or dracut
kernel: linux-image-amd64       # its package; else the suite's own

locale: fr_FR.UTF-8             # or { default: fr_FR.UTF-8, also: [en_GB.UTF-8] }; else C.UTF-8
timezone: Europe/Paris          # else Etc/UTC
keyboard: fr                    # or { layout: fr, model: pc105, variant: oss, options: "compose:menu" }

root:
  password-hash: $6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1
  # or password: TEXT, or password-file: FILE; else nobody logs in as root by password
  keys: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUrsLnTdIQ9uK8pRqN9bCjvS9vDfQLd2wOIXDSUe admin@example.org

users:
  ann:
    name: Ann Example
    uid: 1001                   # else the next free one from 1000
    groups: [video, audio]
    shell: /bin/bash
    home: /var/lib/ann          # else /home/ann
    password: correct horse     # or password-hash, password-file, as for root
    keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUrsLnTdIQ9uK8pRqN9bCjvS9vDfQLd2wOIXDSUe ann@example.org]

resolver:                       # else what DHCP says
  servers: [10.13.20.1]
  search: [lab.example.org]

limits: ["* hard nofile 65536", "@students - maxlogins 4"]    # lines of limits.conf

ldap:                           # users of a directory
  with: sssd                    # or nslcd; or libnss-ldap, where the suite has it
  uri: ldap://ldap.example.org
  base: dc=example,dc=org
  certificate: /etc/ssl/certs/example.pem   # in the tree; else all authorities that Debian trusts
  start-tls: true               # with sssd, or a certificate, that is so anyway

homes:                          # what nodes mount by NFS when somebody wants in
  /home: nas.example.org:/srv/home          # NFSv4
  /scratch: { from: "nas.example.org:/srv/scratch", version: 3, options: "_netdev,nofail,noatime" }
idmap-domain: example.org       # of NFSv4's names; else that of the node's own name

display-manager: lightdm        # or gdm3, sddm, xdm, …: starts after the caches of users' names
infiniband: 10.14.0.0/16        # addresses there end as those of the Ethernet cards;
                                # or { network: 10.14.0.0/16, modules: [mlx4_ib] }
gpu: [nvidia]                   # nvidia, nvidia-open, amd, intel: drivers and firmware from the suite

files:                          # a text, or keys
  /etc/motd: Welcome.
  /usr/local/bin/hello: { content: "echo hello", mode: 0755, owner: root:root }
  # /opt/tools: { from: tools }     a file or a directory beside this recipe

run:                            # by /bin/sh in the tree, as root, when all else is done
  - echo built >/etc/built

services:
  enable: [ssh.service]
  disable: [cron]
  mask: [apt-daily.timer]
`;
