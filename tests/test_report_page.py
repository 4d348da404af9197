"""report.html in a browser: the table of members sorts, filters, is linked with the planes, and saves files that others read."""

import html
import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import votable
from astropy.table import Table

from chronostar import prepare
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.report import report_html
from chronostar.results import mixture_files, read_result, write_files
from chronostar.synthdata import SynthData

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
FIRST_ID = 4_000_000_000_000_000_001  # which a float cannot hold

PRESS = """<script>
const made=[];URL.createObjectURL=blob=>{made.push(blob.text());return '#'};HTMLAnchorElement.prototype.click=()=>{};
const box=document.getElementById('members'),find=box.querySelector('input');
const say=(id,text)=>{const e=document.createElement('pre');e.id=id;e.textContent=text;document.body.append(e)};
const rows=()=>[...box.querySelectorAll('tbody tr')].filter(row=>!row.hidden);
const write=words=>{find.value=words;find.oninput()};
const svg=box.querySelectorAll('.plane svg'),off=k=>svg[k].querySelectorAll('circle.off').length;
function point(k,kind,x,y){const r=svg[k].getBoundingClientRect();svg[k].setPointerCapture=()=>{};
  svg[k].dispatchEvent(new PointerEvent(kind,{clientX:r.left+x*r.width/300,clientY:r.top+y*r.height/250,pointerType:'mouse'}))}
%s
Promise.all(made).then(texts=>texts.forEach((text,k)=>say('made'+k,text)));
</script></body>"""


@pytest.fixture(scope="module")
def sky():
    "Two groups of which half the stars have no radial velocity, and the mixture that they came from."
    synth = SynthData([[-130, 50, 0, 4., -4., 2., 10., 2., 25.], [90, -110, 30, -3., 7., 1., 6., 0.7, 12.],
                       [0, 0, 0, 0, 0, 0, 70., 7., 0.]], [60, 40, 150], rng=3, m_err=0.5)
    table = synth.generate()
    table["source_id"] = np.arange(len(table)) + FIRST_ID
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name][np.random.default_rng(5).random(len(table)) < 0.5] = np.nan
    stars = prepare(table, fake_rvs=True).stars
    return stars, ComponentMixture(n_components=3).fit(stars, init_resp=synth.memberships)


@pytest.fixture
def browse(sky, tmp_path):
    "A function that runs a script in the page, and returns what it has said by name."
    stars, mixture = sky
    page = report_html(mixture, stars, None, mixture.uncertainties(stars), title='Tom & "Ann" <3')

    def run(script):
        (tmp_path / "page.html").write_text(page.replace("</body>", PRESS % script), encoding="utf-8")
        done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                               "--no-first-run", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
                               "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,900",
                               "--virtual-time-budget=5000", "--dump-dom", f"file://{tmp_path / 'page.html'}"],
                              capture_output=True, text=True, timeout=120)
        return {name: html.unescape(text) for name, text in re.findall(r'<pre id="(\w+)">(.*?)</pre>', done.stdout, re.DOTALL)}
    return run


SAVE = "const [,csv,vot]=box.querySelectorAll('button');csv.onclick();vot.onclick();"


@in_browser
def test_what_is_saved_is_what_is_on_disk(sky, browse, tmp_path):
    stars, mixture = sky
    said = browse(SAVE)
    saved = votable.parse(io.BytesIO(said["made1"].encode()), verify="exception")
    table = saved.get_first_table().to_table(use_names_over_ids=True)
    csv = Table.read(said["made0"], format="ascii.csv")
    uncertainties = mixture.uncertainties(stars)
    files = mixture_files(mixture, mixture.predict_proba(stars), True, stars.ids, None, uncertainties, stars=stars)
    write_files(tmp_path, files)
    disk = Table.read(tmp_path / "members.fits")
    rows = disk[np.searchsorted(disk["source_id"], table["source_id"])]
    assert table["source_id"].dtype == np.int64 and list(rows["source_id"]) == list(table["source_id"]) == list(csv["source_id"])
    assert len(table) > 80 and 0.3 < np.mean(table["measured"]) < 0.7
    for name in set(table.colnames) - {"membership"}:
        assert table[name].unit == disk[name].unit and table[name].description == disk[name].description
        np.testing.assert_allclose(table[name].astype(float), rows[name].astype(float), atol=6e-3, err_msg=name)
    np.testing.assert_allclose(table["ra"], rows["ra"], atol=1e-7)
    assert [text == "True" for text in csv["measured"]] == list(table["measured"])
    facts = {param.name: param.value for param in saved.get_first_table().params}
    assert facts["title"] == 'Tom & "Ann" <3' and facts["stars"] == "250" and "EpicyclicOrbit" in facts["orbit"]


@in_browser
def test_sorted_and_filtered(browse):
    said = browse("""
    write('component=1 distance<150 expected');box.querySelectorAll('thead th')[6].click();
    say('count',box.querySelector('output').textContent);say('off',[0,1,2,3].map(off));
    say('velocities',rows().map(r=>r.cells[6].textContent.replace('\\u2212','-').split(' ')[0]));
    say('others',rows().filter(r=>r.cells[1].textContent!=='1'||r.cells[7].textContent!=='expected').length);""" + SAVE)
    shown, there = map(int, said["count"].split(" of "))
    velocities = [float(text) for text in said["velocities"].split(",")]
    assert 5 < shown == len(velocities) < there and velocities == sorted(velocities) and said["others"] == "0"
    assert said["off"] == ",".join([str(there - shown)]*4)
    csv = Table.read(said["made0"], format="ascii.csv")
    np.testing.assert_allclose(csv["radial_velocity"], velocities, atol=0.51)  # in the order shown


@in_browser
def test_planes_and_table_are_linked(browse):
    said = browse("""
    const dots=[...svg[1].querySelectorAll('circle:not(.ring)')],at=c=>['cx','cy'].map(k=>+c.getAttribute(k));
    const all=[...box.querySelectorAll('tbody tr')],[x,y]=at(dots[7]);
    point(1,'pointermove',x,y);const lit=box.querySelector('tr.lit');
    say('pointed',at(dots[all.indexOf(lit)]).concat(x,y));say('rings',[...svg].filter(s=>+s.querySelector('.ring').getAttribute('cx')>0).length);
    point(1,'pointerleave',0,0);say('left',box.querySelectorAll('tr.lit').length);
    all[5].onmouseenter();say('ring',at(svg[1].querySelector('.ring')).concat(at(dots[5])));all[5].onmouseleave();
    point(1,'pointerdown',44,4);point(1,'pointermove',170,222);point(1,'pointerup',170,222);
    say('inside',rows().length);say('true',dots.filter(d=>at(d)[0]<=170).length);
    const many=rows().length;write('expected');say('both',rows().length<many);
    box.querySelector('button').onclick();say('again',rows().length-all.length);
    const [up,along]=box.querySelectorAll('.plane')[3].querySelectorAll('select');
    up.value='distance';up.onchange();say('axes',svg[3].querySelectorAll('circle:not(.ring)').length-all.length);""")
    ours, theirs = np.split(np.array(said["pointed"].split(","), dtype=float), 2)
    np.testing.assert_allclose(ours, theirs, atol=1)  # of two stars at one place, either
    assert said["rings"] == "4" and said["left"] == "0"
    ring, dot = np.split(np.array(said["ring"].split(","), dtype=float), 2)
    np.testing.assert_array_equal(ring, dot)
    assert 5 < int(said["inside"]) == int(said["true"]) and said["both"] == "true" and said["again"] == said["axes"] == "0"


def test_tables_on_disk_say_what_they_are(sky, tmp_path):
    stars, mixture = sky
    uncertainties = mixture.polish(stars).uncertainties(stars)
    meta = {"label": "AAA-XXX-0000-0003-auto", "stars": len(stars), "BIC": mixture.bic(stars),
            "data": {"selection": "parallax > 2"}}
    files = mixture_files(mixture, mixture.predict_proba(stars), True, stars.ids, meta, uncertainties, stars=stars)
    write_files(tmp_path, files)
    members, components = Table.read(tmp_path / "members.fits"), Table.read(tmp_path / "components.ecsv")
    for table in (members, components):
        assert all(column.description for column in table.itercols())
    assert not [c.name for c in members.itercols() if c.unit is None and not re.match(
        "source_id|component|probability|measured", c.name)]
    assert not [c.name for c in components.itercols() if c.unit is None and not re.match("component|weight|members", c.name)]
    assert members["source_id"].dtype.kind == "i" and members["source_id"][0] == FIRST_ID
    assert members.meta["SELECT"] == components.meta["selection"] == "parallax > 2"
    assert members.meta["NSTARS"] == 250 and members.meta["ORBIT"] == components.meta["orbit"]
    assert members.meta["CREATOR"].startswith("chronostar ") and members.meta["LABEL"] == meta["label"]
    assert len(read_result(tmp_path).components_) == 3
    write_files(tmp_path / "alone", mixture_files(mixture, mixture.predict_proba(stars), True, stars.ids, stars=stars))
    wider = members["radial_velocity_error"] / Table.read(tmp_path / "alone/members.fits")["radial_velocity_error"]
    assert (wider[members["measured"]] == 1).all() and (wider[~members["measured"]] > 1.001).all()  # by that of the groups
