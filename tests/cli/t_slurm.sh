# A job array in Slurm itself: its three daemons on this machine, for this test.
. "$(dirname "$0")/lib.sh"

for program in munged slurmctld slurmd sbatch squeue; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin:/sbin
    command -v $program >/dev/null || {
        echo "no $program: install slurmctld slurmd slurm-client munge"
        exit 77
    }
done
[ "$(id -u)" = 0 ] || {
    echo 'its daemons need root'
    exit 77
}

d=$work/slurm
host=$(hostname -s)
mkdir -p "$d/state" "$d/spool"
chmod 755 "$work" "$d"
head -c 1024 /dev/urandom >"$d/key"
chmod 600 "$d/key"
port=$((20000 + $$ % 10000))
cat >"$d/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$d/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool
SlurmctldPidFile=$d/ctld.pid
SlurmdPidFile=$d/d.pid
SlurmctldLogFile=$d/ctld.log
SlurmdLogFile=$d/d.log
SlurmctldPort=$port
SlurmdPort=$((port + 1))
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$d/slurm.conf
munged --force --foreground --key-file="$d/key" --socket="$d/munge.socket" \
    --pid-file="$d/munge.pid" --log-file="$d/munge.log" \
    --seed-file="$d/munge.seed" >"$d/munge.out" 2>&1 &
await "$d/munge.socket"
slurmctld -D -f "$d/slurm.conf" >"$d/ctld.out" 2>&1 &
slurmd -D -f "$d/slurm.conf" >"$d/d.out" 2>&1 &
for i in $(seq 100); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && break
    sleep 0.1
done
sinfo -h -o %T 2>/dev/null | grep -q idle || {
    echo "Slurm does not run here: $(tail -n 3 "$d"/*.out "$d"/*.log)"
    exit 77
}

tiny 20 >c.yaml
expect 0 'Submitted batch job' - "$engram" sweep c.yaml --seeds 0-11 --slurm 3 \
    --jobs 1 --threads 1 --sbatch --time=10 --submit
for i in $(seq 600); do
    [ -z "$(squeue -h)" ] && break
    sleep 0.2
done
expect 0 'seed=11 +finished' 'sweep tiny: 12 points, 12 of them finished' \
    "$engram" sweep tiny
[ "$(ls runs/tiny | wc -l)" = 12 ] || die "$(ls runs/tiny | wc -l) runs"
[ "$(ls runs/sweeps/tiny/slurm-*_*.log | wc -l)" = 3 ] || die 'three tasks'
# they write to their folder until they are gone
kill $(jobs -p) 2>/dev/null
wait
finish
