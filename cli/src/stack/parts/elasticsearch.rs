//! Elasticsearch: one node without its security layer, reachable from this machine only.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use nix::sys::signal::Signal;

use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "elasticsearch";

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().elasticsearch(), stack.ports().elasticsearch_transport()],
    prepare,
    launch,
    probe: |stack| {
        async move {
            let url = format!("{}/_cluster/health", stack.elasticsearch_url());
            let health = probe::http(&stack.http, &url).await?;
            if health.contains("\"status\":\"red\"") {
                bail!("the cluster is red");
            }
            Ok(())
        }
        .boxed()
    },
    start_deadline: Duration::from_secs(180),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(30),
    stop_wave: 2,
    stands_back: true,
};

fn prepare(stack: &Stack) -> Result<()> {
    let data = stack.layout.data(NAME);
    let etc = stack.layout.etc().join("elasticsearch");
    // The server writes its key store beside its configuration, so it owns that folder.
    for folder in [&data, &data.join("data"), &data.join("log"), &data.join("tmp"), &etc] {
        stack.owner.make_dir(folder, 0o750)?;
    }
    let shipped = stack.set().join("elasticsearch/config/log4j2.properties");
    let logging = fs::read_to_string(&shipped).with_context(|| format!("{} could not be read", shipped.display()))?;
    stack.owner.write(&etc.join("log4j2.properties"), &logging, 0o644)?;
    stack.owner.write(&etc.join("jvm.options"), JVM_OPTIONS, 0o644)?;
    stack
        .owner
        .write(&etc.join("elasticsearch.yml"), &settings(stack), 0o644)
}

const JVM_OPTIONS: &str = "\
-Xms512m
-Xmx512m
-XX:+UseG1GC
-Djava.io.tmpdir=${ES_TMPDIR}
-XX:+ExitOnOutOfMemoryError
20-:--add-modules=jdk.incubator.vector
23:-XX:CompileCommand=dontinline,java/lang/invoke/MethodHandle.setAsTypeCache
23:-XX:CompileCommand=dontinline,java/lang/invoke/MethodHandle.asTypeUncached
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
";

fn settings(stack: &Stack) -> String {
    let data = stack.layout.data(NAME);
    format!(
        "\
cluster.name: onhand
node.name: onhand-1
discovery.type: single-node
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
path.data: {data}/data
path.logs: {data}/log
xpack.security.enabled: false
# The launcher checks the disk itself; the server would make indexes read-only on a big disk that is merely well filled.
cluster.routing.allocation.disk.threshold_enabled: false
# A misspelt index must fail, not appear.
action.auto_create_index: false
",
        http = stack.ports().elasticsearch(),
        transport = stack.ports().elasticsearch_transport(),
        data = data.display(),
    )
}

fn launch(stack: &Stack) -> Result<Launch> {
    let tmp = stack.layout.data(NAME).join("tmp");
    Ok(Launch::new(stack.set().join("elasticsearch/bin/elasticsearch"))
        .env("ES_JAVA_HOME", stack.java.home.clone())
        .env("ES_PATH_CONF", stack.layout.etc().join("elasticsearch"))
        // The small launcher process that stays beside the server. It starts it, and then has nothing to do that would be worth compiling well.
        .env(
            "CLI_JAVA_OPTS",
            format!(
                "-Xms4m -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.io.tmpdir={}",
                tmp.display()
            ),
        )
        .env("ES_TMPDIR", tmp))
}
