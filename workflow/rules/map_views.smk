# Pictures of a map, and its page.
# Needs: map.h5, grains.*, boundaries.csv, and of EBSD ebsd.h5, ebsd_grains.h5.
# Makes: maps/<scan>/<mapper>/pictures/, map.html.

PICTURES = f"{MAP}/pictures"
OF_MAPS += of_scans(f"{PICTURES}/ipf.png") + of_scans(f"{MAP}/map.html")
OF_MAPS += of_scans(f"{PICTURES}/ebsd.png", "ebsd")


rule map_pictures:
    input:
        orientation_map=f"{MAP}/map.h5",
        labels=f"{MAP}/grains.h5",
        grains=f"{MAP}/grains.csv",
        boundaries=f"{MAP}/boundaries.csv",
        style=STYLE,
    output:
        ipf=multiext(f"{PICTURES}/ipf", ".png", ".pdf"),
        confidence=multiext(f"{PICTURES}/confidence", ".png", ".pdf"),
        anomaly=multiext(f"{PICTURES}/anomaly", ".png", ".pdf"),
        boundaries=multiext(f"{PICTURES}/boundaries", ".png", ".pdf"),
        poles=multiext(f"{PICTURES}/poles", ".png", ".pdf"),
        misorientations=multiext(f"{PICTURES}/misorientations", ".png", ".pdf"),
    log:
        f"{RESULTS}/logs/map_pictures/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map_pictures/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("map_pictures"),
    script:
        "../scripts/map_pictures.py"


rule map_ebsd_picture:
    input:
        orientation_map=f"{MAP}/map.h5",
        ebsd=f"{SCAN}/ebsd.h5",
        ebsd_labels=f"{SCAN}/ebsd_grains.h5",
        style=STYLE,
    output:
        multiext(f"{PICTURES}/ebsd", ".png", ".pdf"),
    log:
        f"{RESULTS}/logs/map_ebsd_picture/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map_ebsd_picture/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("map_ebsd_picture"),
    script:
        "../scripts/map_ebsd_picture.py"


rule map_page:
    input:
        orientation_map=f"{MAP}/map.h5",
        labels=f"{MAP}/grains.h5",
        grains=f"{MAP}/grains.csv",
        ebsd=branch(of_scan("ebsd"), then=f"{SCAN}/ebsd.h5", otherwise=[]),
        ebsd_labels=branch(of_scan("ebsd"), then=f"{SCAN}/ebsd_grains.h5", otherwise=[]),
        pictures=[f"{PICTURES}/poles.png", f"{PICTURES}/misorientations.png"],
        html=project_file("workflow/lib/report/maps/page.html"),
        css=project_file("workflow/lib/report/maps/page.css"),
        js=project_file("workflow/lib/report/maps/page.js"),
    output:
        page=f"{MAP}/map.html",
    log:
        f"{RESULTS}/logs/map_page/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map_page/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        titles=["Pole figures", "Misorientations"],
        library=library_digest("map_page"),
    script:
        "../scripts/map_page.py"
