//! Consumers that stop, skip, lose or garble records.

use crate::index::{self, EXTERNAL, Index};
use crate::pipeline::{Pipeline, Shelf, written};
use crate::story::{level, record, schema};
use anyhow::{Context, Result, anyhow, ensure};
use onhand_cdc::{Decoder, KafkaConfig, RegistryClient, Table};
use onhand_consumers::letters::{self, Act, Actor, Filter, Router};
use onhand_consumers::{ConsumerConfig, ElasticsearchConfig, SinkKind};
use onhand_tests::database::Database;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::eventually;
use onhand_tests::suite::{Body, must_find, test};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::spawn_blocking;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f21_one_bad_record_stops_the_pipeline", poison),
        test("f22_dead_letter_encoded_anew", garbled_letters),
        test("f24_failure_of_the_registry_is_kept_as_an_answer", registry_away),
        test("f27_bulk_tried_again_as_a_whole", whole_bulk),
        test("f29_offset_committed_before_the_write", early_commit),
        test("f29_offset_of_a_batch_that_has_overtaken_another", overtaken),
    ]
}

/// A change of an item of its own, under the schema of this id.
fn change(schema_id: u32, item: u128) -> RawRecord {
    record(schema_id, &schema(&[]), &level(Uuid::from_u128(item), 1, 5)).unwrap()
}

/// A pipeline whose registry has the schema 1.
async fn pipeline(kind: SinkKind) -> Result<Pipeline> {
    let pipeline = Pipeline::start(kind, 1).await?;
    pipeline.registry(|registry| drop(registry.schemas.insert(1, schema(&[]))));
    Ok(pipeline)
}

fn bytes(record: &RawRecord) -> &[u8] {
    record.value.as_deref().unwrap_or_default()
}

/// ArroyoSystems/arroyo 1103: one bad byte, 27 hours.
async fn poison(_: Arc<Database>) -> Result<()> {
    let pipeline = pipeline(SinkKind::Cache).await?;
    let mut records = [change(1, 1), change(1, 2), change(1, 3)];
    records[1].value = Some(b"\x00\x00\x00\x00\x01 and then something else".to_vec());
    let check = |places: &[i64]| {
        ensure!(places == [0, 2], "of the records 0 and 2, {places:?} were written");
        Ok(())
    };

    let decoder = Decoder::new(RegistryClient::new(&pipeline.registry_config())?);
    decoder.insert_schema(1, &schema(&[]))?;
    let (mut faulty, mut committed) = (Vec::new(), 0);
    for _restart in 0..3 {
        for record in &records[committed..] {
            // The mistake: what cannot be read ends the work, and is what the next start begins with.
            if decoder.decode(Table::StockLevel, bytes(record)).await.is_err() {
                break;
            }
            faulty.push(i64::try_from(committed)?);
            committed += 1;
        }
    }
    must_find(check(&faulty), "of the records 0 and 2, [0] were written")?;

    let shelf = Arc::new(Shelf::default());
    let running = pipeline.consume(&shelf, pipeline.config()?);
    pipeline.send(&records).await?;
    written(&shelf, 2).await?;
    eventually("it goes on behind all of them", || async {
        Ok(pipeline.committed()? == Some(3))
    })
    .await?;
    running.stop().await?;
    check(&shelf.written().iter().map(|(_, offset)| *offset).collect::<Vec<_>>())?;
    ensure!(pipeline.letters(SinkKind::Cache)?.len() == 1, "one dead letter");
    Ok(())
}

/// turbolytics/sql-flow 316: the dead letter holds what the consumer made of the record.
async fn garbled_letters(_: Arc<Database>) -> Result<()> {
    let pipeline = pipeline(SinkKind::Cache).await?;
    let mut sent = change(9, 22);
    sent.key = Some(vec![0xff, 0x00, 0xfe]);
    sent.headers = vec![
        ("odd".to_owned(), vec![0xc3, 0x28]),
        ("error".to_owned(), b"its own".to_vec()),
    ];
    let check = |again: &RawRecord| {
        let headers = again.headers.get(..sent.headers.len());
        let same = again.key == sent.key && again.value == sent.value && headers == Some(&sent.headers);
        ensure!(same, "what is sent again is not what was sent");
        Ok(())
    };

    // The mistake: bytes are put into a text, and come out of it as others.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let letter = json!({"key": sent.key.as_deref().map(text), "value": text(bytes(&sent)), "error": "unknown schema"});
    let back = |name: &str| letter[name].as_str().map(|text| text.as_bytes().to_vec());
    let (key, value, headers) = (back("key"), back("value"), Vec::new());
    must_find(
        check(&RawRecord { key, value, headers }),
        "what is sent again is not what was sent",
    )?;

    let shelf = Arc::new(Shelf::default());
    let running = pipeline.consume(&shelf, pipeline.config()?);
    pipeline.send(&[sent.clone()]).await?;
    eventually("it is a dead letter", || async {
        Ok(pipeline.letters(SinkKind::Cache)?.len() == 1)
    })
    .await?;
    check(&pipeline.letters(SinkKind::Cache)?[0])?;
    // After the fix.
    pipeline.registry(|registry| drop(registry.schemas.insert(9, schema(&[]))));
    let kafka = pipeline.config()?.kafka;
    ensure!(
        spawn_blocking(move || redrive(&kafka)).await?? == 1,
        "one letter was sent again"
    );
    written(&shelf, 1).await?;
    running.stop().await?;
    let records = pipeline.records()?;
    ensure!(records.len() == 2, "{records:?}");
    check(&records[1])
}

/// What `onhand dlq redrive` does.
fn redrive(kafka: &KafkaConfig) -> Result<usize> {
    let mut actor = Actor::open(kafka)?;
    let mut router = Router::new(kafka);
    let mut walk = letters::walk(kafka, &Filter::default())?;
    let mut count = 0;
    while let Some(letter) = walk.next(actor.closed())? {
        let target = router.target(&letter)?.map_err(|why| anyhow!(why.reason()))?;
        actor.begin(Act::Redrive, &[(letter, Some(target))])?;
        actor.commit()?;
        count += 1;
    }
    Ok(count)
}

/// The registry is away when a schema is first met, and later has lost all that it knew.
async fn registry_away(_: Arc<Database>) -> Result<()> {
    let pipeline = pipeline(SinkKind::Cache).await?;
    let away = |away| pipeline.registry(|registry| registry.away = away);
    let records = [change(1, 1), change(1, 2)];
    let check = |count: usize| {
        ensure!(count == 2, "{count} of 2 records were written");
        Ok(())
    };

    let client = RegistryClient::new(&pipeline.registry_config())?;
    let mut known: HashMap<u32, Option<String>> = HashMap::new();
    let mut faulty = 0;
    for (record, is_away) in records.iter().zip([true, false]) {
        away(is_away);
        let (id, _) = onhand_cdc::decode::split_frame(bytes(record))?;
        // The mistake: what is kept is also that nothing was found; and what cannot be read is passed over.
        let schema = match known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(client.schema_by_id(id).await.ok()),
        };
        faulty += usize::from(schema.is_some());
    }
    must_find(check(faulty), "0 of 2 records were written")?;

    away(true);
    let shelf = Arc::new(Shelf::default());
    let running = pipeline.consume(&shelf, pipeline.config()?);
    pipeline.send(&records[..1]).await?;
    let waits = async || {
        eventually("its health says what it waits for", || async {
            Ok(running.ready().await?["parts"]["worker"]["stage"] == "decode")
        })
        .await
    };
    waits().await?;
    away(false);
    written(&shelf, 1).await?;
    pipeline.registry(|registry| registry.schemas.clear());
    pipeline.send(&[change(2, 2)]).await?;
    waits().await?;
    pipeline.registry(|registry| drop(registry.schemas.insert(2, schema(&[]))));
    written(&shelf, 2).await?;
    running.stop().await?;
    check(shelf.written().len())?;
    ensure!(pipeline.letters(SinkKind::Cache)?.is_empty(), "nothing was given up");
    Ok(())
}

/// One document of a bulk is refused for now, another for ever.
async fn whole_bulk(database: Arc<Database>) -> Result<()> {
    let [good, busy, unfit] = [1, 2, 3].map(Uuid::from_u128);
    let id = |item: Uuid| format!("{item}:W1");
    let engine = || Index::refusing(&id(busy), &id(unfit));
    let check = |index: &Index| {
        let newest = index.live(&id(busy)).map_or(&Value::Null, |found| &found["version"]);
        let (goods, bad) = (index.times_sent(&id(good)), index.times_sent(&id(unfit)));
        ensure!(
            *newest == 2 && goods == 1 && bad == 1,
            "sent {goods} times what is good, {bad} times what never fits; the other has version {newest}"
        );
        Ok(())
    };

    let mut faulty = engine();
    for _attempt in 0..5 {
        // The mistake: one answer for all of them, so all come again, and nothing behind them has its turn.
        let answers = [good, busy, unfit].map(|item| faulty.put(&id(item), 1, EXTERNAL, &level(item, 1, 5)));
        if answers.iter().all(|status| *status == 200) {
            faulty.put(&id(busy), 2, EXTERNAL, &level(busy, 2, 4));
            break;
        }
    }
    let fault = "sent 5 times what is good, 5 times what never fits; the other has version 1";
    must_find(check(&faulty), fault)?;

    let pipeline = pipeline(SinkKind::Search).await?;
    let index = index::Shared::new(engine().into());
    let config = ConsumerConfig {
        elasticsearch: ElasticsearchConfig {
            url: index::serve(&index).await?,
            ..ElasticsearchConfig::default()
        },
        database: database.settings(),
        ..pipeline.config()?
    };
    let changes = [(good, 1), (busy, 1), (unfit, 1), (busy, 2)];
    let records = changes.map(|(item, version)| record(1, &schema(&[]), &level(item, version, 5)).unwrap());
    let running = crate::pipeline::Running::start(&config.clone(), |token| {
        onhand_consumers::run(SinkKind::Search, config, token)
    });
    // The second version of the one that is busy comes behind its first.
    pipeline.send(&records[..3]).await?;
    eventually("the first bulk was sent", || async {
        Ok(index.lock().unwrap().times_sent(&id(busy)) > 0)
    })
    .await?;
    pipeline.send(&records[3..]).await?;
    eventually("what follows is written", || async {
        check(&index.lock().unwrap()).map(|()| true)
    })
    .await?;
    eventually("what never fits is a dead letter", || async {
        Ok(pipeline.letters(SinkKind::Search)?.first().context("none")?.value == records[2].value)
    })
    .await?;
    running.stop().await
}

/// A crash between the commit of an offset and the write.
async fn early_commit(_: Arc<Database>) -> Result<()> {
    let pipeline = pipeline(SinkKind::Cache).await?;
    let records = [change(1, 1), change(1, 2), change(1, 3)];
    let check = |count: usize| {
        ensure!(count == 3, "{count} of 3 records were written");
        Ok(())
    };

    let (mut faulty, mut committed) = (0, 0);
    for crash in [true, false] {
        let batch = &records[committed..];
        // The mistake: taken counts as done.
        committed = records.len();
        if !crash {
            faulty += batch.len();
        }
    }
    must_find(check(faulty), "0 of 3 records were written")?;

    let shelf = Arc::new(Shelf::default());
    shelf.stuck.store(true, Ordering::Release);
    let running = pipeline.consume(&shelf, pipeline.config()?);
    pipeline.send(&records).await?;
    eventually("it writes", || async { Ok(shelf.begun() > 0) }).await?;
    running.stop().await?;
    ensure!(shelf.written().is_empty(), "it was ended in the midst of its write");
    ensure!(
        pipeline.committed()?.is_none_or(|offset| offset == 0),
        "nothing is committed"
    );
    shelf.stuck.store(false, Ordering::Release);
    let running = pipeline.consume(&shelf, pipeline.config()?);
    written(&shelf, 3).await?;
    running.stop().await?;
    check(shelf.written().len())
}

/// A crash while the batch before the one that is done is under way.
async fn overtaken(_: Arc<Database>) -> Result<()> {
    const SENT: usize = 8;
    let check = |written: &[i64]| {
        let missing = (0..i64::try_from(SENT)?).find(|offset| !written.contains(offset));
        ensure!(missing.is_none(), "record {missing:?} was not written");
        Ok(())
    };

    let (mut faulty, mut committed) = (Vec::new(), 0_i64);
    for first_is_done in [false, true] {
        let (first, second) = (committed..4, committed.max(4)..8);
        if first_is_done {
            faulty.extend(first);
        }
        // The mistake: how far everything is done is what the last answer says.
        committed = second.end;
        faulty.extend(second);
    }
    must_find(check(&faulty), "record Some(0) was not written")?;

    let pipeline = pipeline(SinkKind::Cache).await?;
    let mut config = pipeline.config()?;
    config.runtime.batch_max_records = Some(2);
    let records: Vec<RawRecord> = (1..=8).map(|item| change(1, item)).collect();
    for (shelf, most) in [(Shelf::default(), 1), (Shelf::two_at_once(), 2)] {
        let shelf = Arc::new(shelf);
        shelf.stuck.store(true, Ordering::Release);
        config.runtime.metrics_listen = pipeline.config()?.runtime.metrics_listen;
        let running = pipeline.consume(&shelf, config.clone());
        if most == 1 {
            pipeline.send(&records).await?;
        }
        eventually("as many batches as it takes are begun", || async {
            ensure!(shelf.begun() >= most, "{} of {most}", shelf.begun());
            Ok(true)
        })
        .await?;
        if most > 1 {
            eventually("the later batch is there", || async { Ok(!shelf.written().is_empty()) }).await?;
        }
        // Time for many commits, and for another batch to be begun that should not be.
        tokio::time::sleep(Duration::from_millis(600)).await;
        ensure!(shelf.begun() == most, "{} batches at once", shelf.begun());
        let offsets: Vec<i64> = shelf.written().iter().map(|(_, offset)| *offset).collect();
        ensure!(!offsets.contains(&0), "the first was held: {offsets:?}");
        running.stop().await?;
        let committed = pipeline.committed()?;
        ensure!(
            committed.is_none_or(|offset| offset == 0),
            "{committed:?} is committed, and 0 was not written"
        );
    }
    let shelf = Arc::new(Shelf::two_at_once());
    config.runtime.metrics_listen = pipeline.config()?.runtime.metrics_listen;
    let running = pipeline.consume(&shelf, config);
    written(&shelf, SENT).await?;
    eventually("all of it is committed", || async {
        Ok(pipeline.committed()? == Some(8))
    })
    .await?;
    running.stop().await?;
    check(&shelf.written().iter().map(|(_, offset)| *offset).collect::<Vec<_>>())
}
