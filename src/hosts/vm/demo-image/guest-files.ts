/** What the demo guest runs: every script and table in it that is not a program of a package. */

/** PID 1 of the initramfs: loads the drivers, finds the root volume and hands over to it. */
export const initramfsInit = `#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do
  insmod /modules/$module
done
stop() {
  echo "demo image: $1; this is a shell in the initramfs"
  exec sh
}
tries=0
until [ -b /dev/vda ]; do
  [ $tries -lt 500 ] || stop "no disk appeared"
  tries=$((tries + 1))
  usleep 20000
done
mount -t ext4 -o rw /dev/vda /root || stop "the root volume cannot be mounted"
for place in proc sys dev; do
  mount -o move /$place /root/$place
done
exec switch_root /root /sbin/init
`

const inittab = `::sysinit:/etc/rc
::respawn:/etc/agent
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/bin/reboot
::shutdown:/bin/umount -a -r
`

// The root volume may have been made larger than its image; the file system follows, mounted.
const rc = `#!/bin/sh
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=0755 run /run
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
hostname -F /etc/hostname
ip link set lo up
sectors=$(cat /sys/class/block/vda/size)
if [ "$(cat /etc/root-sectors)" != "$sectors" ]; then
  resize2fs /dev/vda >/dev/null 2>&1 && echo "$sectors" > /etc/root-sectors
fi
`

// Devices here have their kernel names; the agent wants the port by the name QEMU gave it.
const agent = `#!/bin/sh
export PATH=/bin HOME=/root LANG=C
for port in /sys/class/virtio-ports/*; do
  [ "$(cat $port/name 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
  exec qemu-ga --method virtio-serial --path /dev/\${port##*/} --statedir /run
done
sleep 1
`

// The agent calls \`shutdown -h -P|-H|-r +0\`. The script itself is spared by \`kill -1\`.
const shutdown = `#!/bin/sh
case " $* " in
  *" -r "*) how=reboot ;;
  *" -H "*) how=halt ;;
  *) how=poweroff ;;
esac
sync
kill -TERM -1
usleep 200000
kill -KILL -1
umount -a -r 2>/dev/null
mount -o remount,ro / 2>/dev/null
sync
exec $how -f
`

export type GuestFile = { path: string; mode: number; text: string }

const text = (path: string, content: string): GuestFile => ({ path, mode: 0o644, text: content })
const script = (path: string, content: string): GuestFile => ({ path, mode: 0o755, text: content })

export const guestFiles = (rootSectors: number): readonly GuestFile[] => [
  text("etc/inittab", inittab),
  script("etc/rc", rc),
  script("etc/agent", agent),
  script("bin/shutdown", shutdown),
  text("etc/hostname", "demo\n"),
  text("etc/root-sectors", `${rootSectors}\n`),
  text("etc/passwd", "root::0:0:root:/root:/bin/sh\n"),
  text("etc/group", "root:x:0:\n"),
  text("etc/profile", "export PATH=/bin HOME=/root PS1='demo:\\w# '\ncd /root\n"),
  text("etc/os-release", 'ID=tintype-demo\nPRETTY_NAME="Tintype demo"\n'),
]

export const guestDirectories = [
  "bin",
  "dev",
  "etc",
  "lib",
  "mnt",
  "proc",
  "root",
  "run",
  "sys",
  "tmp",
  "usr",
  "var/lib",
  "var/log",
]

/** Where each points, relative to itself. */
export const guestLinks: readonly { path: string; target: string }[] = [
  { path: "sbin", target: "bin" },
  { path: "lib64", target: "lib" },
  { path: "usr/bin", target: "../bin" },
  { path: "usr/sbin", target: "../bin" },
  { path: "usr/lib", target: "../lib" },
  { path: "var/run", target: "../run" },
  { path: "etc/mtab", target: "../proc/self/mounts" },
]
